// The selected render: its picture so far, its progress, timing and log, and buttons for what can be done with it.

import { may } from "./account.js";
import { follow, get, objectUrl, send } from "./service.js";
import { bytes, downloadName, element, explainFailure, facts, fileOf, isPassing, isTerminal, nameOf, seconds, show } from "./text.js";

const LOG_LINES_MAX = 2000;
const byId = (id) => document.getElementById(id);

export class JobView {
  /**
   * Calls `onChange(job)` for each new state, `onGone(id)` after the job was deleted, `onAct()` when the user begins
   * something, and `onProblem(error)` for an error.
   */
  constructor({ onChange, onGone, onAct, onProblem }) {
    Object.assign(this, { onChange, onGone, onAct, onProblem });
    this.job = null;
    this.stop = new AbortController();
    this.picture = "";
    byId("cancel").addEventListener("click", () => this.act(() => send(this.job.links.cancel, { method: "POST" })));
    byId("delete").addEventListener("click", () => this.askToDelete());
    byId("keep").addEventListener("click", () => byId("deletion").close());
    byId("delete-for-good").addEventListener("click", () => this.remove());
    byId("requeue").addEventListener("click", () => this.requeue());
  }

  /** Shows a job and follows it until another one is chosen. */
  async open(id) {
    this.stop.abort();
    this.stop = new AbortController();
    const { signal } = this.stop;
    byId("log").replaceChildren();
    this.setPicture("");
    this.steps = new Map();
    this.hasEnded = false;
    try {
      const job = await get(`api/v1/renders/${id}`);
      if (signal.aborted) return;
      this.update(job);
      show("placeholder", false);
      show("job", true);
      // On a narrow screen the list is above the job, which would be out of sight.
      if (matchMedia("(max-width: 860px)").matches) byId("job").scrollIntoView();
      if (isTerminal(job)) this.loadPicture(job);
      await follow(job.links.events, {
        signal,
        onEvent: (name, data) => this.take(name, data),
        onAway: () => {},
      });
      if (!signal.aborted) await this.refresh();
    } catch (error) {
      if (!signal.aborted) this.onProblem(error);
    }
  }

  /** Shows no job, and keeps nothing of the last one. */
  close() {
    this.stop.abort();
    this.job = null;
    if (byId("deletion").open) byId("deletion").close();
    this.setPicture("");
    for (const id of ["log", "steps", "facts", "downloads"]) byId(id).replaceChildren();
    for (const id of ["job-name", "job-id", "job-file", "job-error", "request", "deletion-title"]) byId(id).textContent = "";
    show("job", false);
    show("placeholder", true);
  }

  /** One event of the job's stream. Log and previews only come with the stream; the state also comes with the job. */
  take(name, data) {
    const ends = ["job.completed", "job.failed", "job.cancelled"].includes(name);
    const isBack = this.hasEnded && name === "job.state";
    this.hasEnded = ends;
    const over = isTerminal(this.job) && !isBack;
    if (name === "job.log") this.log(data);
    else if (name === "job.step") this.step(data);
    else if (name === "job.preview" && !over) this.preview(data);
    else if (name === "job.progress" && !over) this.progress(data);
    else if (name === "job.state" && !over) this.update({ ...this.job, state: data.state, error: null });
    return ends ? "end" : "more";
  }

  async refresh() {
    const before = this.job;
    const job = await get(before.links.self);
    if (this.job?.id !== job.id) return;
    this.update(job);
    this.loadPicture(job);
  }

  update(job) {
    this.job = job;
    const hadFocus = byId("actions").contains(document.activeElement);
    byId("job-name").textContent = nameOf(job);
    byId("job-id").textContent = job.id;
    byId("job-file").textContent = fileOf(job);
    const state = byId("job-state");
    state.textContent = job.cancel_requested_at && !isTerminal(job) ? "cancelling" : job.state;
    state.className = `state ${job.state}`;
    show("cancel", !isTerminal(job) && may("trigger_renders"));
    byId("cancel").disabled = Boolean(job.cancel_requested_at);
    show("delete", isTerminal(job) && may("delete_renders"));
    // One that failed for another reason would fail again.
    show("requeue", job.state === "failed" && isPassing(job.error) && Boolean(job.task_id) && may("trigger_renders"));
    show("job-error", Boolean(job.error));
    byId("job-error").textContent = job.error ? explainFailure(job.error) : "";
    byId("request").textContent = JSON.stringify(job.request, null, 2);
    byId("downloads").replaceChildren(...(job.result?.files || []).map((file) => this.download(file)));
    for (const step of job.document?.steps || []) this.steps.set(step.name, step);
    this.drawSteps();
    this.drawProgress(job);
    byId("facts").replaceChildren(...facts(job));
    // The button that was pressed may be gone.
    const isLost = !byId("actions").querySelector("button:enabled:not([hidden]):focus");
    if (hadFocus && isLost) byId("job-name").focus({ preventScroll: true });
    this.onChange(job);
  }

  progress(data) {
    this.job = { ...this.job, ...data };
    this.drawProgress(this.job);
    this.onChange(this.job);
  }

  drawProgress(job) {
    const share = job.state === "completed" ? 100 : job.progress_pct || 0;
    const bar = byId("progress");
    bar.firstElementChild.style.width = `${share}%`;
    bar.setAttribute("aria-valuenow", Math.round(share));
    byId("caption").textContent = this.caption(job);
    const waiting = job.queue_position ? `Waiting: number ${job.queue_position} in the queue.` : "Waiting in the queue.";
    const words = { pending: waiting, queued: waiting, running: "Rendering: the first picture appears in a moment." };
    byId("no-picture").textContent = this.picture ? "" : words[job.state] || "No picture.";
  }

  caption(job) {
    const file = job.result?.files?.[0];
    if (file) return `${file.width} × ${file.height}`;
    if (job.state !== "running" || !job.samples_target) return "";
    const left = job.eta_s == null ? "" : `, ${seconds(job.eta_s)} left`;
    return `${job.samples_done} of ${job.samples_target} samples${left}`;
  }

  step(data) {
    this.steps.set(data.name, { ...this.steps.get(data.name), ...data });
    this.drawSteps();
  }

  drawSteps() {
    byId("steps").replaceChildren(...[...this.steps.values()].map((step) => {
      const time = step.duration_s == null ? step.status : seconds(step.duration_s);
      return element("tr", { class: step.status }, element("td", {}, step.name.replaceAll("_", " ")), element("td", {}, time));
    }));
  }

  log({ step_name: step, level, message }) {
    const log = byId("log");
    const line = message.startsWith("[") || !step ? message : `[${step.toUpperCase()}] ${message}`;
    const wasAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 30;
    log.append(element("li", { class: level }, line));
    while (log.childElementCount > LOG_LINES_MAX) log.firstElementChild.remove();
    if (wasAtEnd) log.scrollTop = log.scrollHeight;
  }

  /** A newer preview replaces an older one that is still being fetched. */
  async preview(data) {
    const { signal } = this.stop;
    this.wanted = data.etag;
    try {
      const url = await objectUrl(data.url || this.job.links.preview);
      if (signal.aborted || this.wanted !== data.etag || isTerminal(this.job)) URL.revokeObjectURL(url);
      else this.setPicture(url);
    } catch { /* the next preview or the finished picture follows */ }
  }

  async loadPicture(job) {
    // A job that broke a rule of its preset has failed, but has a picture.
    if (!job.result) return;
    const { signal } = this.stop;
    try {
      const url = await objectUrl(job.links.preview);
      if (signal.aborted) URL.revokeObjectURL(url);
      else this.setPicture(url);
    } catch (error) {
      if (!signal.aborted) this.onProblem(error);
    }
  }

  setPicture(url) {
    if (this.picture) URL.revokeObjectURL(this.picture);
    this.picture = url;
    const image = byId("picture");
    if (url) image.src = url;
    else image.removeAttribute("src");
    image.alt = url && this.job ? `Picture of ${nameOf(this.job)}` : "";
    show("picture", Boolean(url));
    byId("no-picture").textContent = "";
  }

  download(file) {
    const button = element("button", { type: "button", "data-file": file.name, title: bytes(file.size_bytes) }, `Download ${file.format.toUpperCase()}`);
    button.addEventListener("click", () => this.act(async () => {
      const url = await objectUrl(file.url);
      const link = element("a", { href: url, download: downloadName(this.job, file) });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
    }));
    return button;
  }

  askToDelete() {
    byId("deletion-title").textContent = `Delete ${nameOf(this.job)}?`;
    byId("deletion").showModal();
  }

  async remove() {
    const { id, links } = this.job;
    byId("deletion").close();
    await this.act(async () => {
      await send(links.self, { method: "DELETE" });
      this.close();
      this.onGone(id);
    });
  }

  /** Requeues a failed job, and follows it again. */
  async requeue() {
    const { id, task_id: task } = this.job;
    await this.act(async () => {
      await send(`api/v1/tasks/${task}/requeue`, { method: "POST" });
      this.open(id);
    });
  }

  async act(work) {
    this.onAct();
    try {
      await work();
      if (this.job && !isTerminal(this.job)) await this.refresh();
    } catch (error) {
      this.onProblem(error);
    }
  }
}
