// The steps that workflows are made of: what they are called, what they do, and which cannot be dispatched here.

import { get } from "./service.js";
import { element, sentence } from "./text.js";

const list = document.getElementById("step-list");

export class StepsView {
  /** Calls `onNamed()` when the names of steps are known. */
  constructor({ onNamed }) {
    this.onNamed = onNamed;
    this.labels = new Map();
    // Counts what was asked for: the answer to an earlier question is not shown.
    this.asked = 0;
  }

  /** Reads the steps: which of them can be dispatched may have changed. */
  async load() {
    this.asked += 1;
    const { asked } = this;
    const { items } = await get("api/workflows/steps");
    if (asked !== this.asked) return;
    this.labels = new Map(items.map(({ name, label }) => [name, label]));
    list.replaceChildren(...items.map(row));
    this.onNamed();
  }

  /** A step's name for people. */
  labelOf(step) {
    return this.labels.get(step) || sentence(step.replaceAll("_", " "), "");
  }

  /** Shows no steps: the next user may not see them. */
  putAway() {
    this.asked += 1;
    this.labels.clear();
    list.replaceChildren();
  }
}

function row({ name, label, description, available, unavailable_reason: reason }) {
  const words = element("div", { class: "words" }, element("strong", {}, label), element("code", {}, name));
  const about = element("p", { class: "about" }, description);
  if (available) return element("li", { "data-step": name }, words, about);
  const why = element("p", { class: "reason" }, sentence(reason || ""));
  return element("li", { "data-step": name, class: "off" }, words, element("span", { class: "state" }, "not available"), about, why);
}
