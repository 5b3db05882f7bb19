// The workflows that were saved, newest first; the runs of the selected one; and the steps that they are made of.

import { Listing } from "./listing.js";
import { contextOf, workflowOf } from "./names.js";
import { RunView } from "./run.js";
import { StepsView } from "./steps.js";
import { put, show, when } from "./text.js";

// Refused where the tenant has no workflows.
const OFF = "feature_disabled";
// Of these one is shown: the selected run, the runs of the selected definition, or else the steps.
const PLACES = ["run", "runs", "steps-there-are"];
const byId = (id) => document.getElementById(id);

const focusedPlace = () => PLACES.find((id) => byId(id).contains(document.activeElement));

export class WorkflowsView {
  /**
   * Calls `onNamed()` when something else is selected, `onAct()` when the user begins something, `onWork(work)` with
   * what they begin, and `onProblem(error)` for an error; `viewer` shows pictures large.
   */
  constructor({ onNamed, onAct, onWork, onProblem, viewer }) {
    Object.assign(this, { onNamed, onAct, onProblem });
    // What was opened; `null` where something else is looked at.
    this.address = null;
    // What is selected: ids, empty where nothing is.
    this.definition = "";
    this.run = "";
    // What runs ran on, in words, and definitions that are not in the list: empty while they are asked for.
    this.found = new Map();
    this.definitions = new Listing({
      ids: { list: "workflow-list", more: "more-workflows", none: "no-workflows" },
      path: () => "api/workflows",
      hash: ({ id }) => `workflows/${id}`,
      words: (definition) => [definition.name, about(definition), definition.is_active ? "active" : "inactive"],
      onAct,
      onProblem,
    });
    this.runs = new Listing({
      ids: { list: "run-list", more: "more-runs", none: "no-runs" },
      path: () => `api/workflows/${this.definition}/runs`,
      hash: ({ id }) => `workflows/runs/${id}`,
      words: (run) => [this.contextOf(run) || "…", `mode ${run.execution_mode}, ${when(run.created_at)}`, run.status],
      onAct,
      onProblem,
    });
    this.view = new RunView({
      onChange: (run) => this.take(run),
      onWork,
      onProblem,
      labelOf: (step) => this.steps.labelOf(step),
      nameOf: (run) => this.nameOf(run),
      contextOf: (run) => this.contextOf(run),
      viewer,
    });
    this.steps = new StepsView({ onNamed: () => this.view.draw() });
    // Which steps can be dispatched may change: they are read anew whenever they come into sight.
    this.wantsSteps = false;
  }

  /** What the window is called after. */
  get title() {
    return (this.view.run && this.view.title) || this.definitionOf(this.definition).name || "Workflows";
  }

  /** Removes what the last user saw. */
  putAway() {
    this.close();
    this.definitions.putAway();
    this.choose("");
    this.steps.putAway();
    this.found.clear();
    show("workflows-off", false);
    show("workflow-lists", true);
  }

  /** Follows nothing: something else is looked at. */
  close() {
    if (this.address === null) return;
    this.address = null;
    this.select("");
  }

  /** Shows what the rest of the address names: `runs` and a run, a definition, or nothing. */
  open(first, second) {
    const address = `${first}/${second}`;
    if (address === this.address) return;
    const run = first === "runs" ? second : "";
    if (this.address === null || !run) this.wantsSteps = true;
    this.address = address;
    this.onAct();
    // The definition of a run comes with the run.
    if (first !== "runs" && first !== this.definition) this.choose(first);
    if (run !== this.run) this.select(run);
  }

  /** Selects a definition, or none, and lists its runs. */
  choose(id) {
    this.definition = id;
    this.definitions.mark(id);
    this.runs.putAway();
    this.place();
  }

  /** Selects a run, or none. */
  select(id) {
    // What has the focus loses it when it is hidden.
    const focused = focusedPlace();
    this.run = id;
    this.runs.mark(id);
    if (id) this.view.open(id);
    else this.view.close();
    this.place(focused);
  }

  /** Shows what is selected, and what is known of it. */
  place(focused = focusedPlace()) {
    const shown = this.view.run ? "run" : this.definition ? "runs" : "steps-there-are";
    const isNew = byId(shown).hidden;
    for (const id of PLACES) show(id, id === shown);
    // What was chosen with the keyboard is gone with its list.
    if (isNew && focused) byId(`${shown}-title`).focus({ preventScroll: true });
    // On a narrow screen the list is above it, and it would be out of sight.
    if (isNew && shown !== "steps-there-are" && matchMedia("(max-width: 860px)").matches) byId(shown).scrollIntoView();
    this.drawNames();
  }

  /** Shows the names that may have become known, or changed. */
  drawNames() {
    const definition = this.definitionOf(this.definition);
    put("runs-title", definition.name || "");
    put("runs-facts", definition ? facts(definition) : "");
    this.view.drawTitle();
    this.onNamed();
  }

  /** A new state of the selected run. */
  take(run) {
    const id = run.workflow_def_id || "";
    if (id === this.definition) {
      this.runs.take(run);
    } else {
      this.choose(id);
      this.refresh().catch(this.onProblem);
    }
    this.place();
  }

  /** Reads the newest definitions, the newest runs of the selected one, and the steps where they come into sight. */
  async refresh() {
    try {
      await Promise.all([this.definitions.refresh(), this.readRuns(), this.readSteps()]);
      show("workflows-off", false);
    } catch (error) {
      if (error.code !== OFF) throw error;
      show("workflows-off", true);
    }
    show("workflow-lists", byId("workflows-off").hidden);
    this.drawNames();
  }

  async readRuns() {
    const { definition } = this;
    if (!definition) return;
    try {
      await this.runs.refresh();
    } catch (error) {
      if (definition !== this.definition) return;
      if (error.code !== "workflow_not_found") throw error;
      // It was deleted, or the address is wrong.
      this.choose("");
      this.onProblem(error);
    }
  }

  async readSteps() {
    if (!this.wantsSteps) return;
    this.wantsSteps = false;
    try {
      await this.steps.load();
    } catch (error) {
      this.wantsSteps = true;
      throw error;
    }
  }

  /** What a run ran on, in words; empty while they are asked for. */
  contextOf(run) {
    return this.find(run.order_line_id || run.cad_file_id, () => contextOf(run));
  }

  /** A definition; empty where there is none, or while it is asked for. */
  definitionOf(id) {
    return this.definitions.items.get(id) || (id && this.find(id, () => workflowOf(id)));
  }

  /** The name of the definition that a run was made from. */
  nameOf({ workflow_def_id: id }) {
    return id ? this.definitionOf(id).name || "" : "Draft";
  }

  /** What is asked for once. Where it could not be read, whoever draws it next asks again. */
  find(key, ask) {
    if (!this.found.has(key)) {
      this.found.set(key, "");
      ask().then((answer) => this.learn(key, answer), () => { this.found.delete(key); });
    }
    return this.found.get(key);
  }

  learn(key, answer) {
    // The next user may not see it.
    if (!this.found.has(key)) return;
    this.found.set(key, answer);
    this.runs.draw();
    this.drawNames();
  }
}

/** What a definition is made of, and what it means for lines. */
const about = ({ config: { ui } }) => `preset ${ui.preset.replaceAll("_", " ")}, mode ${ui.execution_mode}`;

function facts(definition) {
  const { is_active: isActive, revision, updated_at: saved } = definition;
  return [about(definition), isActive ? "active" : "inactive", `revision ${revision}`, `saved ${when(saved)}`].join(" · ");
}
