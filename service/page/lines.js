// The lines of an order: product, output type, state, progress while they render, pictures when they are done.

import { Files } from "./files.js";
import { again } from "./http.js";
import { outputTypeOf, productOf } from "./names.js";
import { picturesOf } from "./pictures.js";
import { element, isTerminal, sentences } from "./text.js";

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
  }

  /** Shows no lines, and keeps nothing of the last ones. */
  clear() {
    for (const row of this.rows.values()) row.files.putAway();
    this.rows.clear();
    byId("lines").replaceChildren();
  }

  /** Shows these lines. */
  draw(lines) {
    const ids = new Set(lines.map((line) => line.id));
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      row.files.putAway();
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
    row.line = line;
    row.state.textContent = line.render_status;
    row.state.className = `state ${line.render_status}`;
    this.drawProgress(line.id, line.render_status === "processing" ? row.percent : null);
    const failed = line.render_status === "failed" && line.render_job_doc?.error;
    row.error.textContent = failed ? sentences(failed) : "";
    row.error.hidden = !failed;
    row.files.of(String(line.asset_ids), () => picturesOf(line));
    return row;
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
    const [error, files] = [element("p", { class: "fault" }), new Files(this)];
    const words = element("div", { class: "words" }, product, what);
    const item = element("li", { "data-id": line.id }, words, state, progress, error, files.element);
    files.isIn(item);
    files.name(line.id, line.id);
    const row = { item, product, what, state, progress, error, files, percent: null };
    this.rows.set(line.id, row);
    this.name(row, line);
    return row;
  }

  /** Names a line when its product and its output type are known. */
  async name(row, line) {
    try {
      const [product, outputType] = await Promise.all([productOf(line), outputTypeOf(line)]);
      if (this.rows.get(line.id) !== row) return;
      const label = `${product.pim_id}, ${outputType.name}`;
      row.files.name(label, `${product.pim_id} ${outputType.name}`);
      row.product.textContent = product.pim_id;
      row.what.textContent = product.name === product.pim_id ? outputType.name : `${product.name} · ${outputType.name}`;
      row.progress.setAttribute("aria-label", `Progress of ${label}`);
    } catch (error) {
      // Without its names a line has its id.
      row.product.textContent = line.id;
      again(error, () => this.rows.get(line.id) === row, () => this.name(row, line));
    }
  }
}
