// The lines of an order: product, output type, state, progress while they render, pictures when they are done.

import { mayPass } from "./http.js";
import { outputTypeOf, productOf } from "./names.js";
import { download, isShown, picturesOf } from "./pictures.js";
import { objectUrl } from "./service.js";
import { element, isTerminal, sentence } from "./text.js";

// Files of a line that are shown at first.
const FILES = 12;
// After so long what could not be read is asked for again.
const RETRY_MS = 10000;
const byId = (id) => document.getElementById(id);

/** Whether the newest job of a line has not ended. */
export const isLive = (line) => Boolean(line.render_job_doc) && !isTerminal(line.render_job_doc);

/** Whether a line has ended, until it is dispatched again. */
export const hasEnded = (line) => ["completed", "failed", "cancelled"].includes(line.render_status);

export class LinesView {
  /** Calls `onAct(work)` with what the user begins; `viewer` shows pictures large. */
  constructor({ onAct, viewer }) {
    Object.assign(this, { onAct, viewer });
    this.rows = new Map();
    // Pictures are fetched when they come into sight.
    this.observer = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting) this.fill(this.rows.get(target.dataset.id));
      }
    }, { rootMargin: "300px" });
  }

  /** Shows no lines, and keeps nothing of the last ones. */
  clear() {
    this.observer.disconnect();
    for (const row of this.rows.values()) this.empty(row);
    this.rows.clear();
    byId("lines").replaceChildren();
  }

  /** Shows these lines. */
  draw(lines) {
    const ids = new Set(lines.map((line) => line.id));
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      this.empty(row);
      row.item.remove();
      this.rows.delete(id);
    }
    lines.forEach((line, place) => {
      const row = this.drawLine(line);
      const list = byId("lines");
      if (list.children[place] !== row.item) list.insertBefore(row.item, list.children[place] || null);
    });
  }

  /** Shows a new state of a line. */
  drawLine(line) {
    const row = this.rows.get(line.id) || this.make(line);
    const before = row.line;
    row.line = line;
    row.state.textContent = line.render_status;
    row.state.className = `state ${line.render_status}`;
    this.drawProgress(line.id, line.render_status === "processing" ? row.percent : null);
    const failed = line.render_status === "failed" && line.render_job_doc?.error;
    row.error.textContent = failed ? failed.split("\n").map((text) => sentence(text)).join("\n") : "";
    row.error.hidden = !failed;
    const isNew = String(before?.asset_ids || "") !== String(line.asset_ids);
    if (isNew) {
      row.isFilled = false;
      this.watch(row);
    }
    return row;
  }

  /** Watches a line anew, so that it is noticed where it is in sight already. */
  watch(row) {
    this.observer.unobserve(row.item);
    this.observer.observe(row.item);
  }

  /** Does something for a line a while after an error that may pass, if the line is still shown. */
  again(row, error, work) {
    if (!mayPass(error)) return;
    setTimeout(() => { if (this.rows.get(row.line.id) === row) work(); }, RETRY_MS);
  }

  /** Shows how much of a line is rendered, 0 to 100; `null` where it is not. */
  drawProgress(id, percent) {
    const row = this.rows.get(id);
    if (!row) return;
    row.percent = percent;
    row.progress.hidden = percent === null;
    if (percent === null) return;
    row.progress.firstElementChild.style.width = `${percent}%`;
    row.progress.setAttribute("aria-valuenow", Math.round(percent));
    row.state.textContent = `${row.line.render_status} ${Math.round(percent)} %`;
  }

  /** How much of a line is done, 0 to 1. */
  shareOf(line) {
    return hasEnded(line) ? 1 : (this.rows.get(line.id)?.percent || 0) / 100;
  }

  make(line) {
    const [product, what, state] = [element("strong"), element("span", { class: "quiet" }), element("span")];
    const progress = element("div", { class: "progress", role: "progressbar", "aria-label": "Progress", "aria-valuemin": "0", "aria-valuemax": "100" }, element("i"));
    const [error, files] = [element("p", { class: "fault" }), element("div", { class: "files" })];
    const words = element("div", { class: "words" }, product, what);
    const item = element("li", { "data-id": line.id }, words, state, progress, error, files);
    const row = { item, product, what, state, progress, error, files, percent: null, urls: [], isFilled: true, label: "" };
    this.rows.set(line.id, row);
    this.name(row, line);
    return row;
  }

  /** Names a line when its product and its output type are known. */
  async name(row, line) {
    try {
      const [product, outputType] = await Promise.all([productOf(line), outputTypeOf(line)]);
      if (this.rows.get(line.id) !== row) return;
      row.label = `${product.pim_id}, ${outputType.name}`;
      row.fileName = `${product.pim_id} ${outputType.name}`;
      row.product.textContent = product.pim_id;
      row.what.textContent = product.name === product.pim_id ? outputType.name : `${product.name} · ${outputType.name}`;
      row.progress.setAttribute("aria-label", `Progress of ${row.label}`);
      for (const button of row.files.querySelectorAll("[data-name]")) this.nameFile(row, button);
    } catch (error) {
      // Without its names a line has its id.
      row.product.textContent = line.id;
      this.again(row, error, () => this.name(row, line));
    }
  }

  /** Fetches the pictures of a line. */
  async fill(row) {
    if (!row || row.isFilled) return;
    row.isFilled = true;
    const { line } = row;
    try {
      const files = await picturesOf(line);
      // They may have been rendered again meanwhile.
      if (String(row.line.asset_ids) !== String(line.asset_ids)) return;
      this.empty(row);
      this.drawFiles(row, files, FILES);
    } catch (error) {
      if (String(row.line.asset_ids) !== String(line.asset_ids)) return;
      this.again(row, error, () => { row.isFilled = false; this.watch(row); });
    }
  }

  drawFiles(row, files, max) {
    row.files.replaceChildren(...files.slice(0, max).map((file) => this.button(row, file)));
    if (files.length <= max) return;
    const more = element("button", { type: "button" }, `Show all ${files.length} files`);
    more.addEventListener("click", () => {
      this.empty(row);
      this.drawFiles(row, files, files.length);
      row.files.children[max].focus();
    });
    row.files.append(more);
  }

  /** A file: a small picture that opens a large one, or a button to save it. */
  button(row, file) {
    const button = element("button", { type: "button", "data-name": file.name });
    const name = () => `${row.fileName || row.line.id} ${file.name}`.replaceAll(/[\\/:*?"<>|]/g, "-");
    if (isShown(file)) {
      const image = element("img", { class: "thumb", alt: "" });
      button.append(image);
      button.addEventListener("click", () => this.onAct(() => this.viewer.open(file, `${row.label}: ${file.name}`, name())));
      this.thumbnail(row, file, image);
    } else {
      button.append(`Save ${file.name}`);
      button.addEventListener("click", () => this.onAct(() => download(file, name())));
    }
    this.nameFile(row, button);
    return button;
  }

  nameFile(row, button) {
    const image = button.querySelector("img");
    if (image) image.alt = `${row.label}: ${button.dataset.name}`;
    button.title = button.dataset.name;
  }

  async thumbnail(row, file, image) {
    try {
      const url = await objectUrl(file.url);
      if (!image.isConnected) return URL.revokeObjectURL(url);
      row.urls.push(url);
      image.src = url;
    } catch {
      image.classList.add("none");
    }
  }

  empty(row) {
    row.urls.forEach((url) => URL.revokeObjectURL(url));
    row.urls = [];
    row.files.replaceChildren();
  }
}
