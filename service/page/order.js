// The selected order: its state, its lines, its history, and buttons for what this user may do with it now.

import { isSelf, may } from "./account.js";
import { hasEnded, isLive, LinesView } from "./lines.js";
import { follow, get, send, sendJson } from "./service.js";
import { element, explainWithCode, sentence, show, when } from "./text.js";

const byId = (id) => document.getElementById(id);
// States in which nothing follows by itself.
const OVER = ["completed", "rejected"];
// Refusals that are about the caller: the page asks who is there, or shows what they may do now.
const OF_CALLER = [401, 403];

export class OrderView {
  /**
   * Calls `onChange(order)` for each new state, `onAct()` when the user begins something, `onProblem(error)` for an
   * error and `onWords(words)` for what else has to be said; `viewer` shows pictures large.
   */
  constructor({ onChange, onAct, onProblem, onWords, viewer }) {
    Object.assign(this, { onChange, onAct, onProblem, onWords, viewer });
    this.order = null;
    // Whether nothing follows by itself, as far as its stream has said.
    this.hasEnded = false;
    // Whether its stream is open.
    this.isFollowed = false;
    // Orders that something is being done with, until it is answered.
    this.busy = new Set();
    this.stop = new AbortController();
    this.lines = new LinesView({ onAct: (work) => this.try(work), viewer });
    byId("order-submit").addEventListener("click", () => this.act("submit"));
    byId("order-dispatch").addEventListener("click", () => this.act("dispatch"));
    byId("order-cancel").addEventListener("click", () => this.act("cancel-renders"));
    byId("order-resubmit").addEventListener("click", () => this.act("resubmit"));
    byId("order-reject").addEventListener("click", () => this.askToReject());
    byId("keep-order").addEventListener("click", () => byId("rejection").close());
    byId("rejection-form").addEventListener("submit", (event) => { event.preventDefault(); this.reject(); });
  }

  /** Shows an order and follows it until another one is chosen. */
  async open(id) {
    if (this.order?.id !== id) this.close();
    this.stop.abort();
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.isFollowed = true;
    try {
      await follow(`api/orders/${id}/events`, {
        signal,
        from: "",
        onEvent: (name, data) => this.take(name, data),
        onAway: () => {},
      });
      if (!signal.aborted) await this.refresh();
    } catch (error) {
      if (!signal.aborted) this.onProblem(error);
    } finally {
      if (!signal.aborted) this.isFollowed = false;
    }
  }

  /** Opens the order again where its stream has closed, and its row in the list shows that it has changed since. */
  catchUp(row) {
    const { order } = this;
    if (this.isFollowed || order?.id !== row.id) return;
    const isCounted = Object.entries(countsOf(order.lines)).every(([state, n]) => row.line_counts[state] === n);
    if (order.status !== row.status || !isCounted) this.open(row.id);
  }

  /** Shows no order, and keeps nothing of the last one. */
  close() {
    this.stop.abort();
    this.order = null;
    this.viewer.close();
    if (byId("rejection").open) byId("rejection").close();
    this.lines.clear();
    byId("history").replaceChildren();
    for (const id of ["order-number", "order-facts", "order-notes", "order-reason", "rejection-title"]) byId(id).textContent = "";
    show("order", false);
    show("order-placeholder", true);
  }

  /** One event of the order's stream. */
  take(name, data) {
    if (name === "snapshot" || name === "order.status") this.hasEnded = OVER.includes(data.status);
    if (name === "snapshot") {
      const isFirst = this.order?.id !== data.id;
      this.update(data);
      // On a narrow screen the list is above the order, which would be out of sight.
      if (isFirst && matchMedia("(max-width: 860px)").matches) byId("order").scrollIntoView();
    } else if (name === "order.status") {
      this.refresh().catch((error) => this.onProblem(error));
    } else if (name === "line.status") {
      this.takeLine(data.line_id, data.render_status);
    } else if (name === "job.progress") {
      this.lines.drawProgress(data.job_id, data.progress_pct);
      this.drawProgress();
    }
    return this.hasEnded ? "end" : "more";
  }

  takeLine(id, status) {
    const line = this.order.lines.find((other) => other.id === id);
    if (!line) return;
    line.render_status = status;
    this.lines.drawLine(line);
    this.drawState();
    // Its files, its times and its error come with the line.
    this.loadLine(id).catch(() => { /* the next event brings it again */ });
  }

  async loadLine(id) {
    const { order } = this;
    const line = await get(`api/v1/order-lines/${id}`);
    if (this.order?.id !== order.id) return;
    this.order.lines = this.order.lines.map((other) => (other.id === id ? line : other));
    this.lines.drawLine(line);
    this.drawState();
  }

  async refresh() {
    const { id } = this.order;
    const order = await get(`api/orders/${id}`);
    if (this.order?.id === id) this.update(order);
  }

  update(order) {
    const before = this.order;
    this.order = order;
    byId("order-number").textContent = order.order_number;
    byId("order-notes").textContent = order.notes || "";
    show("order-notes", Boolean(order.notes));
    byId("order-reason").textContent = order.rejection_reason ? `Rejected: ${order.rejection_reason}` : "";
    show("order-reason", Boolean(order.rejection_reason));
    show("no-lines", order.lines.length === 0);
    this.lines.draw(order.lines);
    this.drawState();
    show("order-placeholder", false);
    show("order", true);
    if (before?.id !== order.id || before.status !== order.status) this.loadHistory();
    if (before?.id === order.id && before.status !== order.status && OVER.includes(order.status)) {
      byId("announcement").textContent = `Order ${order.order_number} is ${order.status}.`;
    }
  }

  /** Shows what follows from the states of the order and its lines. */
  drawState() {
    const { order } = this;
    const hadFocus = byId("order-actions").contains(document.activeElement);
    const counts = countsOf(order.lines);
    byId("order-facts").textContent = facts({ ...order, line_counts: counts });
    const state = byId("order-state");
    state.textContent = order.status;
    state.className = `state ${order.status}`;
    this.drawProgress();
    const isRejected = order.status === "rejected";
    const isIdle = (line) => line.render_status !== "completed" && line.render_status !== "processing" && !isLive(line);
    show("order-submit", order.status === "draft" && order.lines.length > 0 && may("write_orders"));
    show("order-dispatch", !isRejected && order.lines.some(isIdle) && may("run_orders"));
    show("order-cancel", !isRejected && order.lines.some((line) => !hasEnded(line) && isLive(line)) && may("run_orders"));
    show("order-reject", ["submitted", "processing"].includes(order.status) && may("run_orders"));
    show("order-resubmit", isRejected && may("write_orders"));
    for (const button of byId("order-actions").querySelectorAll("button")) button.disabled = this.busy.has(order.id);
    // The button that was pressed may be gone.
    const isLost = !byId("order-actions").querySelector("button:enabled:not([hidden]):focus");
    if (hadFocus && isLost) byId("order-number").focus({ preventScroll: true });
    this.onChange({ ...order, line_counts: counts });
  }

  drawProgress() {
    const { lines } = this.order;
    const done = lines.reduce((sum, line) => sum + this.lines.shareOf(line), 0);
    const percent = lines.length ? (100 * done) / lines.length : 0;
    const bar = byId("order-progress");
    bar.firstElementChild.style.width = `${percent}%`;
    bar.setAttribute("aria-valuenow", Math.round(percent));
  }

  async loadHistory() {
    const { id } = this.order;
    try {
      const { items } = await get(`api/orders/${id}/history`);
      if (this.order?.id !== id) return;
      byId("history").replaceChildren(...items.map(change));
      show("no-history", items.length === 0);
    } catch { /* it is read again with the next change */ }
  }

  // What is done with it

  async act(action, body = null) {
    const { id } = this.order;
    const pressed = document.activeElement;
    this.busy.add(id);
    this.drawState();
    await this.try(async () => {
      const path = `api/orders/${id}/${action}`;
      const answer = await (body ? sendJson("POST", path, body) : send(path, { method: "POST" }));
      const refused = ((await answer.json()).results || []).filter((result) => result.error);
      // Another order may be shown by now.
      if (this.order?.id !== id) return;
      if (refused.length) this.onWords(refusals(refused));
      // Its stream may have ended.
      this.open(id);
    });
    this.busy.delete(id);
    if (this.order?.id !== id) return;
    this.drawState();
    // A button loses the focus when it is disabled.
    if (document.activeElement === byId("order-number")) pressed.focus({ preventScroll: true });
  }

  askToReject() {
    byId("rejection-title").textContent = `Reject order ${this.order.order_number}?`;
    byId("rejection-form").reset();
    this.tellRejection("");
    byId("rejection").showModal();
  }

  async reject() {
    const { reason, notify } = byId("rejection-form").elements;
    const { id } = this.order;
    const button = byId("reject-for-good");
    button.disabled = true;
    this.onAct();
    try {
      await sendJson("POST", `api/orders/${id}/reject`, { reason: reason.value, notify_client: notify.checked });
      // Another order may be shown by now.
      if (this.order?.id !== id) return;
      byId("rejection").close();
      this.open(id);
    } catch (error) {
      const isAsking = this.order?.id === id && byId("rejection").open;
      if (isAsking && !OF_CALLER.includes(error.status)) {
        this.tellRejection(explainWithCode(error));
      } else {
        if (isAsking) byId("rejection").close();
        this.onProblem(error);
      }
    } finally {
      button.disabled = false;
    }
  }

  tellRejection(words) {
    byId("rejection-error").textContent = words;
    show("rejection-error", Boolean(words));
    if (words) byId("rejection-error").focus();
  }

  async try(work) {
    this.onAct();
    try {
      await work();
    } catch (error) {
      this.onProblem(error);
    }
  }
}

/** How many lines are in each state. */
function countsOf(lines) {
  const counts = { total: lines.length, pending: 0, processing: 0, completed: 0, failed: 0, cancelled: 0 };
  for (const line of lines) counts[line.render_status] += 1;
  return counts;
}

/** How far the lines of an order are, in words. */
export function progressOf({ total, processing, completed, failed, cancelled }) {
  if (!total) return "no lines";
  const more = [[processing, "rendering"], [failed, "failed"], [cancelled, "cancelled"]].filter(([n]) => n);
  return [`${completed} of ${total} ${total === 1 ? "line" : "lines"} done`, ...more.map(([n, what]) => `${n} ${what}`)].join(", ");
}

function facts(order) {
  const times = [["made", order.created_at], ["submitted", order.submitted_at], ["completed", order.completed_at], ["rejected", order.rejected_at]];
  const told = times.filter(([, time]) => time).map(([what, time]) => `${what} ${when(time)}`);
  return [progressOf(order.line_counts), ...told].join(" · ");
}

/** A change in the history of an order. */
function change({ from_status: from, to_status: to, submission_no: submission, actor_id: actor, reason, at }) {
  const by = actor === null ? "by itself" : isSelf(actor) ? "by you" : "by somebody else";
  const about = [when(at), submission ? `submission ${submission}` : "", by].filter(Boolean).join(", ");
  const item = element("li", {}, element("strong", {}, `${from} → ${to}`), " ", element("span", { class: "quiet" }, about));
  if (reason) item.append(element("p", {}, reason));
  return item;
}

/** Why lines were not dispatched: each reason once. */
function refusals(refused) {
  const reasons = new Map(refused.map(({ error }) => [error.detail, error.code]));
  const words = [...reasons].map(([detail, code]) => sentence(`${detail} (${code})`));
  return [`${refused.length} ${refused.length === 1 ? "line was" : "lines were"} not dispatched.`, ...words].join("\n");
}
