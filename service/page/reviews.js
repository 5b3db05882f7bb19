// Reviews of materials: which parts pictures show in the fallback material, the fixes that are suggested for them, what
// is said of those, and the note about it.

import { may } from "./account.js";
import { Listing } from "./listing.js";
import { follow, get, send, sendJson } from "./service.js";
import { element, explainWithCode, put, show, when } from "./text.js";

const byId = (id) => document.getElementById(id);

// What people call outcomes and states.
const WORDS = {
  proposed: "proposed",
  applied_success: "worked",
  applied_failed: "did not work",
  applied_partial: "worked in part",
  applied_pending: "waits",
  dismissed: "dismissed",
};
// What the buttons of outcomes say, and the question that their notes answer. Those that need notes open a form.
const OUTCOMES = [
  { outcome: "applied_success", says: () => "Worked" },
  { outcome: "applied_failed", says: () => "Did not work" },
  { outcome: "applied_partial", says: () => "Worked in part…", asks: "What is left to do?" },
  { outcome: "applied_pending", says: (fix) => (fix.status === "applied_pending" ? "Change reason…" : "Wait…"), asks: "What is being waited for?" },
  { outcome: "dismissed", says: () => "Dismiss" },
];

const namesOf = (review) => review.parts.map((part) => part.part_name).join(", ");
const unresolved = (review) => review.parts.filter((part) => !part.resolved).length;

/** Chooses a review, and shows it. */
export class ReviewsView {
  constructor({ onNamed, onAct, onProblem }) {
    Object.assign(this, { onNamed, onAct, onProblem });
    this.chosen = "";
    this.review = null;
    // The fix of which an outcome is said, and that outcome.
    this.said = null;
    this.isBusy = false;
    this.stop = new AbortController();
    const status = () => byId("reviews-filter").value;
    this.listing = new Listing({
      ids: { list: "review-list", more: "more-reviews", none: "no-reviews" },
      path: () => "api/v1/material-reviews",
      filter: () => (status() ? { status: status() } : {}),
      hash: (review) => `reviews/${review.id}`,
      words: (review) => [namesOf(review), `${unresolved(review)} of ${review.parts.length} unresolved, ${when(review.updated_at)}`, review.status],
      none: () => (status() ? `No review is ${status()}.` : "No picture showed a part without a material yet."),
      onAct,
      onProblem,
    });
    byId("reviews-filter").addEventListener("change", () => { this.listing.clear(); this.refresh().catch(onProblem); });
    byId("review-refresh").addEventListener("click", () => this.post("refresh"));
    byId("review-close").addEventListener("click", () => this.post("close"));
    byId("review-reopen").addEventListener("click", () => this.post("reopen"));
    byId("write-note").addEventListener("click", () => this.writeNote("resolution"));
    byId("write-hand-over").addEventListener("click", () => this.writeNote("escalation"));
    byId("keep-outcome").addEventListener("click", () => byId("outcome").close());
    byId("outcome-form").addEventListener("submit", (event) => { event.preventDefault(); this.sendNotes(); });
  }

  /** What the window is called after. */
  get title() {
    return this.review ? `Review of ${namesOf(this.review)}` : "Reviews";
  }

  /** Removes what the last user saw. */
  putAway() {
    this.close();
    this.listing.putAway();
  }

  /** Follows nothing: something else is looked at. */
  close() {
    if (byId("outcome").open) byId("outcome").close();
    this.choose("");
  }

  /** Selects a review, or none. */
  choose(id) {
    if (id === this.chosen) return;
    this.chosen = id;
    this.onAct();
    this.listing.mark(id);
    this.stop.abort();
    this.review = null;
    show("review", false);
    show("review-placeholder", !id);
    show("review-note", false);
    if (id) this.follow(id);
    this.onNamed();
  }

  /** Reads the newest reviews. */
  async refresh() {
    await this.listing.refresh();
  }

  /** Shows a review, and what happens to it, until another one is chosen. */
  async follow(id) {
    this.stop = new AbortController();
    const { signal } = this.stop;
    try {
      await follow(`api/v1/material-reviews/${id}/events`, {
        signal,
        from: "",
        onEvent: (name, data) => {
          if (name === "snapshot") this.take(data);
          // The event says that it has changed, and not how.
          else this.read(id, signal);
          const status = data.status && name !== "fix.updated" ? data.status : this.review?.status;
          return status === "open" ? "" : "end";
        },
        onAway: () => {},
      });
    } catch (error) {
      if (!signal.aborted) this.onProblem(error);
    }
  }

  async read(id, signal) {
    try {
      const review = await get(`api/v1/material-reviews/${id}`);
      if (!signal.aborted) this.take(review);
    } catch (error) {
      if (!signal.aborted) this.onProblem(error);
    }
  }

  /** A new state of the selected review. */
  take(review) {
    if (review.id !== this.chosen) return;
    if (this.review && review.state_version < this.review.state_version) return;
    this.review = review;
    this.listing.take(review);
    this.draw();
    this.onNamed();
  }

  draw() {
    const { review } = this;
    put("review-name", namesOf(review));
    put("review-facts", `${unresolved(review)} of ${review.parts.length} names unresolved, version ${review.state_version}`);
    put("review-state", review.status);
    byId("review-state").className = `state ${review.status}`;
    const mayWrite = may("write_reviews");
    show("review-refresh", mayWrite);
    show("review-close", mayWrite && review.status !== "closed");
    show("review-reopen", mayWrite && review.status === "closed");
    const { order_line_id: line, design_job_id: design } = review;
    show("review-line", Boolean(line || design));
    if (line || design) put("review-line", line ? `Order line ${line}` : `Design job ${design}`);
    // A button that has the focus stays the element that it is only where nothing of it has changed.
    const focus = document.activeElement?.dataset?.key;
    byId("review-parts").replaceChildren(...review.parts.map((part) => this.drawPart(part)));
    if (focus) byId("review-parts").querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
    show("review", true);
    show("review-placeholder", false);
  }

  drawPart(part) {
    const fixes = this.review.fixes.filter((fix) => fix.part_key === part.part_key);
    const why = part.material_string ? `no library has “${part.material_string}”` : part.reason.replaceAll("_", " ");
    const state = part.resolved ? "resolved" : "unresolved";
    const parts = part.instances === 1 ? "1 part" : `${part.instances} parts`;
    const facts = `${parts}, ${(100 * part.area_share).toFixed(1)} % of the surface, ${why}`;
    const head = element("p", {}, element("strong", {}, part.part_name), " ", element("span", { class: `state ${state}` }, state), element("br"), element("span", { class: "quiet" }, facts));
    const none = part.fixable ? "Nothing is proposed for it." : "No other name can mend it.";
    const list = fixes.length
      ? element("ol", { class: "lines", "aria-label": `Fixes for ${part.part_name}` }, ...fixes.map((fix) => this.drawFix(fix)))
      : element("p", { class: "quiet" }, none);
    return element("li", { class: "line", "data-part": part.part_key }, head, list);
  }

  drawFix(fix) {
    const words = [fix.description];
    if (fix.status === "applied_pending") words.push(`Waiting for: ${fix.pending_reason}`);
    if (fix.partial_notes) words.push(`Left to do: ${fix.partial_notes}`);
    if (fix.failure_reason) words.push(`Why it did not work: ${fix.failure_reason}`);
    if (fix.applied_at) words.push(`Applied ${when(fix.applied_at)}.`);
    const lines = words.filter(Boolean).map((text) => element("span", { class: "quiet" }, text, element("br")));
    const name = element("p", {}, element("strong", {}, fix.title), " ", element("span", { class: "state" }, `${fix.confidence_pct} %`), " ", element("span", { class: `state ${fix.status}` }, WORDS[fix.status]), element("br"), ...lines);
    const actions = element("div", { class: "actions" });
    if (may("write_reviews")) actions.append(...this.buttonsOf(fix));
    const proposal = fix.ai_outcome_proposal;
    const proposed = proposal ? [this.drawProposal(fix, proposal)] : [];
    return element("li", { class: "line", "data-id": fix.id, "data-status": fix.status }, name, ...proposed, actions);
  }

  /** The outcome that a check suggests, which somebody confirms or rejects. */
  drawProposal(fix, { outcome, reason }) {
    const words = element("span", {}, `A check of the pictures says: ${reason}. `);
    const proposal = element("p", { class: "remark" }, words);
    if (!may("write_reviews")) return proposal;
    const asOutcome = outcome === "success" ? "applied_success" : "applied_failed";
    proposal.append(
      this.button(fix, "confirm", "Confirm", () => this.say(fix, { outcome: asOutcome })), " ",
      this.button(fix, "reject", "Reject", () => this.change(`${this.pathOf(fix)}/ai-outcome-proposal`, { method: "DELETE" })),
    );
    return proposal;
  }

  buttonsOf(fix) {
    const buttons = [];
    if (fix.status === "proposed" && !fix.applied_at) {
      buttons.push(this.button(fix, "apply", "Apply", () => this.change(`${this.pathOf(fix)}/apply`, { method: "POST" })));
    }
    for (const { outcome, says, asks } of OUTCOMES) {
      if (!fix.available_outcomes.includes(outcome)) continue;
      const act = asks ? () => this.askFor(fix, outcome, asks) : () => this.say(fix, { outcome });
      buttons.push(this.button(fix, outcome, says(fix), act));
    }
    return buttons;
  }

  button(fix, what, words, act) {
    const button = element("button", { type: "button", "data-key": `${fix.id}-${what}`, "aria-label": `${words.replace("…", "")}: ${fix.title}` }, words);
    button.addEventListener("click", act);
    return button;
  }

  pathOf(fix) {
    return `api/v1/material-reviews/${fix.review_id}/suggested-fixes/${fix.id}`;
  }

  /** Asks for the notes that an outcome needs. */
  askFor(fix, outcome, question) {
    this.said = { fix, outcome };
    put("outcome-title", fix.title);
    put("outcome-question", question);
    byId("outcome-notes").value = outcome === "applied_pending" ? fix.pending_reason || "" : fix.partial_notes || "";
    show("outcome-error", false);
    byId("outcome").showModal();
    byId("outcome-notes").focus();
  }

  async sendNotes() {
    const notes = byId("outcome-notes").value.trim();
    // Blanks alone are no reason, whatever the browser makes of them.
    if (!notes) { byId("outcome-notes").value = ""; byId("outcome-notes").reportValidity(); return; }
    const { fix, outcome } = this.said;
    try {
      await sendJson("PATCH", `${this.pathOf(fix)}/outcome`, { outcome, notes });
      byId("outcome").close();
      await this.read(this.chosen, this.stop.signal);
    } catch (error) {
      put("outcome-error", explainWithCode(error));
      show("outcome-error", true);
    }
  }

  say(fix, body) {
    return this.change(`${this.pathOf(fix)}/outcome`, { method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  }

  post(action) {
    return this.change(`api/v1/material-reviews/${this.chosen}/${action}`, { method: "POST" });
  }

  /** Changes something, one at a time, and shows what came of it. */
  async change(path, options) {
    if (this.isBusy) return;
    this.isBusy = true;
    this.onAct();
    try {
      await send(path, options);
      await this.read(this.chosen, this.stop.signal);
      // A review that was not open is not followed any more.
      if (this.review?.status === "open") { this.stop.abort(); this.follow(this.chosen); }
    } catch (error) {
      this.onProblem(error);
    } finally {
      this.isBusy = false;
    }
  }

  async writeNote(kind) {
    this.onAct();
    try {
      const note = await (await sendJson("POST", `api/v1/material-reviews/${this.chosen}/resolution-note/preview`, { kind })).json();
      put("review-note", note.markdown);
      show("review-note", true);
      byId("review-note").focus();
    } catch (error) {
      this.onProblem(error);
    }
  }
}
