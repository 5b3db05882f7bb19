// How the picture of a shadow run compares with the one that counts: the verdict, the figures, and both pictures with
// the map of their difference side by side.

import { may } from "./account.js";
import { again } from "./http.js";
import { get, objectUrl } from "./service.js";
import { element, sentence, show } from "./text.js";

// While one side goes on, the comparison is read again after so long.
const AGAIN_MS = 3000;
const PICTURES = [
  ["authoritative", "Authoritative"],
  ["observer", "Shadow"],
  ["flip", "Difference (FLIP)"],
];
// The verdicts, with the states that look like them.
const LOOKS = { pass: "completed", warn: "queued", fail: "failed" };
const byId = (id) => document.getElementById(id);

export class ComparedView {
  /** Calls `onWork(work)` with what the user begins; `viewer` shows pictures large. */
  constructor({ onWork, viewer }) {
    Object.assign(this, { onWork, viewer });
    // The run whose comparison is shown, and what was said of it.
    this.run = "";
    this.found = "";
    this.urls = [];
  }

  /** Shows no comparison, and keeps nothing of the last one. */
  clear() {
    this.run = "";
    this.found = "";
    this.empty();
    show("compared", false);
  }

  /** Shows the comparison of a run, if it is one that observes. */
  of(run) {
    if (run.execution_mode !== "shadow" || !may("read_workflows")) return this.clear();
    if (this.run === run.id) return;
    this.clear();
    this.run = run.id;
    this.read();
  }

  async read() {
    const { run } = this;
    try {
      const found = await get(`api/workflows/runs/${run}/comparison`);
      if (this.run !== run) return;
      this.draw(found);
      if (found.rollout_gate.verdict === null) setTimeout(() => { if (this.run === run) this.read(); }, AGAIN_MS);
    } catch (error) {
      again(error, () => this.run === run, () => this.read());
    }
  }

  draw(found) {
    const text = JSON.stringify(found);
    // The pictures need not be fetched again.
    if (text === this.found) return;
    this.found = text;
    const { verdict, reasons } = found.rollout_gate;
    const state = byId("verdict");
    state.textContent = verdict || "pending";
    state.className = `state ${LOOKS[verdict] || "pending"}`;
    byId("verdict-reasons").textContent = reasons.map((reason) => sentence(reason)).join(" ");
    byId("verdict-figures").textContent = figures(found);
    this.empty();
    byId("compared-pictures").append(...PICTURES.filter(([which]) => hashOf(found, which)).map((picture) => this.picture(...picture)));
    show("compared", true);
  }

  picture(which, label) {
    const url = `api/workflows/runs/${this.run}/comparison/${which}`;
    const image = element("img", { alt: label });
    const button = element("button", { type: "button", "data-picture": which }, image);
    const file = { url, name: `${which}.png`, type: "image/png" };
    button.addEventListener("click", () => this.onWork(() => this.viewer.open(file, label, `${this.run.slice(0, 8)} ${which}.png`)));
    this.fetch(url, image);
    return element("figure", {}, button, element("figcaption", { class: "quiet" }, label));
  }

  async fetch(url, image) {
    try {
      const source = await objectUrl(url);
      if (!image.isConnected) return URL.revokeObjectURL(source);
      this.urls.push(source);
      image.src = source;
    } catch {
      image.classList.add("none");
    }
  }

  empty() {
    this.urls.forEach((url) => URL.revokeObjectURL(url));
    this.urls = [];
    byId("compared-pictures").replaceChildren();
  }
}

/** The content of one of the pictures; empty where there is none. */
function hashOf(found, which) {
  if (which === "flip") return found.flip_map_hash;
  const output = found[`${which}_output`];
  return output.exists && output.readable && output.file_hash;
}

function figures({ mean_flip: flip, mean_pixel_delta: delta, rollout_gate: { metric, pass_max: pass, warn_max: warn } }) {
  const figure = (name, value) => (value === null ? "" : `${name} ${value.toPrecision(3)}`);
  const gate = `the gate passes ${metric === "flip" ? "FLIP" : "a mean pixel difference"} up to ${pass} and warns up to ${warn}`;
  return [figure("FLIP", flip), figure("mean pixel difference", delta), gate].filter(Boolean).join(" · ");
}
