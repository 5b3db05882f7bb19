// The nodes of a workflow run, in graph order: what became of each, and the pictures that came of it.

import { Files } from "./files.js";
import { filesOfAssets } from "./pictures.js";
import { element, seconds, sentences, when } from "./text.js";

const byId = (id) => document.getElementById(id);

export class NodesView {
  /** Calls `labelOf(step)` for names of steps, `onWork(work)` with what the user begins; `viewer` shows pictures. */
  constructor({ labelOf, onWork, viewer }) {
    Object.assign(this, { labelOf, onWork, viewer });
    this.rows = new Map();
  }

  /** Shows no nodes, and keeps nothing of the last ones. */
  clear() {
    for (const row of this.rows.values()) row.files.putAway();
    this.rows.clear();
    byId("nodes").replaceChildren();
  }

  /** Shows the nodes of a run as they are now: they are the same as long as it is shown. */
  draw(nodes) {
    const shown = new Set();
    for (const node of nodes) {
      // What hands a picture on names it too: it is shown where it was made.
      const assets = assetsOf(node).filter((id) => !shown.has(id));
      assets.forEach((id) => shown.add(id));
      this.drawNode(node, assets);
    }
  }

  drawNode(node, assets) {
    const row = this.rows.get(node.node_name) || this.make(node);
    const label = this.labelOf(node.step);
    row.label.textContent = label;
    row.about.textContent = [node.node_name, timing(node)].filter(Boolean).join(" · ");
    row.state.textContent = node.status;
    row.state.className = `state ${node.status}`;
    row.error.textContent = sentences(node.error || "");
    row.error.hidden = !node.error;
    row.files.name(`${label} (${node.node_name})`, node.node_name);
    row.files.of(String(assets), () => filesOfAssets(assets));
  }

  make(node) {
    const [label, about, state, error] = [element("strong"), element("span", { class: "quiet" }), element("span"), element("p", { class: "fault" })];
    const files = new Files({ onAct: this.onWork, viewer: this.viewer });
    const words = element("div", { class: "words" }, label, about);
    const item = element("li", { "data-node": node.node_name }, words, state, error, files.element);
    files.isIn(item);
    const row = { label, about, state, error, files };
    this.rows.set(node.node_name, row);
    byId("nodes").append(item);
    return row;
  }
}

/** The media assets that a node names. */
const assetsOf = ({ output }) => (Array.isArray(output?.asset_ids) ? output.asset_ids : []);

/** How long a node took, or since when it runs. */
function timing({ status, started_at: started, duration_s: duration }) {
  if (duration !== null && duration !== undefined) return seconds(duration);
  return status === "running" && started ? `since ${when(started)}` : "";
}
