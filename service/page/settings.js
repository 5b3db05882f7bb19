// Settings of whoever is asking: how often they are told of what.

import { get, sendJson } from "./service.js";
import { element, put, when } from "./text.js";

const FREQUENCIES = { immediate: "at once", hourly: "every hour, together", daily: "every day, together", never: "never" };
// What people call the kinds of notifications; others are called what the service calls them.
const LABELS = {
  "order.rendering_complete": "An order is rendered",
  "order.submitted": "An order was submitted",
  "order.rejected": "An order was rejected",
  "order.resubmitted": "An order was opened again",
  "excel.imported": "A sheet of products was imported",
  "worker.recovery": "Stalled renders were requeued",
  "design.completed": "A design is ready",
  "design.failed": "A design has failed",
};
const byId = (id) => document.getElementById(id);

export class SettingsView {
  constructor({ onNamed, onWork }) {
    // `chosen` counts what the user has chosen.
    Object.assign(this, { onNamed, onWork, chosen: 0 });
  }

  get title() {
    return "Settings";
  }

  putAway() {
    byId("preferences").replaceChildren();
    put("preference-said", "");
  }

  close() {
    put("preference-said", "");
  }

  open() {
    this.onNamed();
  }

  async refresh() {
    const { chosen } = this;
    const { items } = await get("api/v1/notification-configs");
    // What was asked before a choice does not know of it.
    if (this.chosen !== chosen) return;
    const place = byId("preferences");
    const rows = new Map([...place.children].map((row) => [row.dataset.type, row]));
    for (const item of items) {
      const row = rows.get(item.event_type) || this.row(item.event_type, place);
      rows.delete(item.event_type);
      const choice = row.querySelector("select");
      // What the user is choosing at this moment stays.
      if (document.activeElement !== choice) choice.value = item.enabled ? item.frequency : "never";
    }
    for (const row of rows.values()) row.remove();
  }

  row(type, place) {
    const options = Object.entries(FREQUENCIES).map(([value, words]) => element("option", { value }, words));
    const choice = element("select", {}, ...options);
    choice.addEventListener("change", () => this.onWork(() => this.choose(type, choice)));
    const name = element("span", {}, element("strong", {}, LABELS[type] || type), element("code", { class: "quiet" }, type));
    const row = element("label", { "data-type": type }, name, choice);
    place.append(row);
    return row;
  }

  async choose(type, choice) {
    this.chosen += 1;
    const frequency = choice.value;
    await sendJson("PUT", `api/v1/notification-configs/${encodeURIComponent(type)}`, { enabled: true, frequency });
    this.chosen += 1;
    put("preference-said", `Saved at ${when(Date.now())}: ${LABELS[type] || type}, ${FREQUENCIES[frequency]}.`);
  }
}
