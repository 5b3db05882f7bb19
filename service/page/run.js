// The selected run of a workflow: its state, what became of its nodes, and a button to cancel it.

import { may } from "./account.js";
import { ComparedView } from "./compared.js";
import { NodesView } from "./nodes.js";
import { follow, get, send } from "./service.js";
import { ENDED, put, seconds, sentences, show, when } from "./text.js";

const byId = (id) => document.getElementById(id);
const hasEnded = (run) => run.status in ENDED;

export class RunView {
  /**
   * Calls `onChange(run)` for each new state, `onWork(work)` with what the user begins, `onProblem(error)` for an
   * error, `labelOf(step)` for names of steps, and `nameOf(run)` and `contextOf(run)` for those of its workflow and of
   * what it ran on, as far as they are known; `viewer` shows pictures large. Whether it is shown is not decided here.
   */
  constructor({ onChange, onWork, onProblem, labelOf, nameOf, contextOf, viewer }) {
    Object.assign(this, { onChange, onWork, onProblem, nameOf, contextOf, viewer });
    this.run = null;
    // Runs that are being cancelled, until they have ended.
    this.stopping = new Set();
    this.stop = new AbortController();
    this.nodes = new NodesView({ labelOf, onWork, viewer });
    this.compared = new ComparedView({ onWork, viewer });
    byId("run-cancel").addEventListener("click", () => this.cancel());
    byId("to-runs").addEventListener("click", () => { location.hash = `workflows/${this.run.workflow_def_id}`; });
  }

  /** Its name: that of its workflow, and what it ran on. */
  get title() {
    return [this.nameOf(this.run), this.contextOf(this.run)].filter(Boolean).join(" on ");
  }

  /** Shows a run and follows it until another one is chosen. */
  async open(id) {
    this.close();
    const { signal } = this.stop;
    try {
      await follow(`api/workflows/runs/${id}/events`, {
        signal,
        from: "",
        onEvent: (name, data) => this.take(name, data),
        onAway: () => {},
      });
      if (!signal.aborted) await this.refresh();
    } catch (error) {
      if (!signal.aborted) this.onProblem(error);
    }
  }

  /** Shows no run, and keeps nothing of the last one. */
  close() {
    this.stop.abort();
    this.stop = new AbortController();
    this.run = null;
    this.viewer.close();
    this.nodes.clear();
    this.compared.clear();
    for (const id of ["run-title", "run-id", "run-facts", "run-state", "run-error"]) byId(id).textContent = "";
    for (const id of ["run-error", "run-cancel", "to-runs"]) show(id, false);
  }

  /** One event of the run's stream. Times only come with the run, which is read after each of them. */
  take(name, data) {
    if (name === "snapshot") {
      // The same words for the next one would not be read out again.
      byId("announcement").textContent = "";
      this.update(data);
    } else if (name === "run.status") {
      this.update({ ...this.run, status: data.status, error_message: data.error_message });
      this.readAgain();
    } else if (name === "node.status") {
      const told = ({ status, output, error }) => ({ status, output, error });
      const nodes = this.run.node_results.map((node) => (node.node_name === data.node_name ? { ...node, ...told(data) } : node));
      this.update({ ...this.run, node_results: nodes });
      this.readAgain();
    }
    return hasEnded(this.run) ? "end" : "more";
  }

  readAgain() {
    this.refresh().catch(() => { /* it is read again when its stream ends */ });
  }

  /** Reads the run; what happens meanwhile is followed by one more request. */
  async refresh() {
    const { signal } = this.stop;
    this.isStale = true;
    if (this.reading === signal) return;
    this.reading = signal;
    try {
      while (this.isStale && !signal.aborted) {
        this.isStale = false;
        const run = await get(`api/workflows/runs/${this.run.id}`);
        if (!signal.aborted && !this.isStale) this.update(run);
      }
    } finally {
      if (this.reading === signal) this.reading = null;
    }
  }

  update(run) {
    const before = this.run;
    this.run = run;
    if (hasEnded(run)) this.stopping.delete(run.id);
    this.draw();
    if (before && !hasEnded(before) && hasEnded(run)) byId("announcement").textContent = `${this.title} ${ENDED[run.status]}.`;
    this.onChange(run);
  }

  /** Shows the run as it is now, with the names that are known now. */
  draw() {
    const { run } = this;
    if (!run) return;
    const button = byId("run-cancel");
    const hadFocus = document.activeElement === button;
    const isStopping = this.stopping.has(run.id);
    this.drawTitle();
    byId("run-id").textContent = run.id;
    byId("run-facts").textContent = facts(run);
    const state = byId("run-state");
    state.textContent = isStopping ? "cancelling" : run.status;
    state.className = `state ${run.status}`;
    byId("run-error").textContent = sentences(run.error_message || "");
    show("run-error", Boolean(run.error_message));
    show("run-cancel", !hasEnded(run) && may("trigger_renders"));
    button.disabled = isStopping;
    show("to-runs", Boolean(run.workflow_def_id));
    this.nodes.draw(run.node_results);
    this.compared.of(run);
    // The button that was pressed may be gone.
    if (hadFocus && (button.hidden || button.disabled)) byId("run-title").focus({ preventScroll: true });
  }

  drawTitle() {
    put("run-title", this.run ? this.title : "");
  }

  async cancel() {
    const { id } = this.run;
    this.stopping.add(id);
    this.draw();
    await this.onWork(async () => {
      try {
        await send(`api/workflows/runs/${id}/cancel`, { method: "POST" });
        // Its stream says the rest, and what it has said already is newer than the answer.
        if (this.run?.id === id) await this.refresh();
      } catch (error) {
        this.stopping.delete(id);
        this.draw();
        throw error;
      }
    });
  }
}

function facts(run) {
  const { execution_mode: mode, created_at: made, started_at: started, completed_at: ended } = run;
  const took = started && ended ? `took ${seconds((new Date(ended) - new Date(started)) / 1000)}` : "";
  return [`mode ${mode}`, `dispatched ${when(made)}`, took].filter(Boolean).join(" · ");
}
