// What people are told, in three lists: notifications for a person, the activity of a tenant, alerts for
// administrators.

import { may } from "./account.js";
import { Listing } from "./listing.js";
import { sendJson } from "./service.js";
import { element, put, show, when } from "./text.js";

// The lists, and the permission that each needs.
const TABS = { notifications: "own_notifications", activity: "read_activity", alerts: "read_alerts" };
const TITLES = { notifications: "Notifications", activity: "Activity", alerts: "Alerts" };
const byId = (id) => document.getElementById(id);

/** Where on this page the subject of an entry can be seen; empty where it cannot. */
function subjectOf({ order_id: order, subject }) {
  if (order && may("read_orders")) return `orders/${order}`;
  if (subject?.kind === "media_asset" && may("read_media")) return "media";
  return "";
}

/** Rows whose text is read whole, with buttons of their own. */
class Entries extends Listing {
  constructor({ onOpen, actions, isNew, ...listing }) {
    super({ hash: subjectOf, ...listing });
    Object.assign(this, { onOpen, actions, isNew });
  }

  makeRow(item) {
    const row = super.makeRow(item);
    row.firstElementChild.addEventListener("click", () => this.onOpen?.(this.items.get(item.id)));
    return row;
  }

  drawRow(item) {
    const row = super.drawRow(item);
    row.classList.toggle("unread", Boolean(this.isNew?.(item)));
    const wanted = this.actions?.(item) || [];
    const labels = wanted.map(([label]) => label).join();
    if (row.dataset.actions !== labels) {
      row.dataset.actions = labels;
      [...row.children].slice(1).forEach((button) => button.remove());
      for (const [label, act] of wanted) {
        const button = element("button", { type: "button", class: "act" }, label);
        button.addEventListener("click", act);
        row.append(button);
      }
    }
    return row;
  }
}

export class NewsView {
  /** Calls `onNamed()` when another list is shown, and the others as other views do. */
  constructor({ onNamed, onAct, onWork, onProblem }) {
    Object.assign(this, { onNamed, onWork });
    this.shown = "notifications";
    const ids = (name) => ({ list: `${name}-list`, more: `more-${name}`, none: `no-${name}` });
    const about = (entry) => `${entry.event_type}, ${when(entry.created_at)}`;
    const graveOf = (entry) => (entry.severity === "info" ? "" : entry.severity);
    const unreadOnly = () => byId("notifications-filter").value === "unread";
    const kind = () => byId("activity-filter").value;
    const state = () => byId("alerts-filter").value;
    this.lists = {
      notifications: new Entries({
        ids: ids("notifications"),
        path: () => "api/notifications",
        filter: () => (unreadOnly() ? { unread: "true" } : {}),
        none: () => (unreadOnly() ? "You have read everything." : "There are no notifications yet."),
        words: (entry) => [entry.message, about(entry), graveOf(entry)],
        isNew: (entry) => !entry.read_at,
        onPage: ({ unread_count: unread }) => { show("read-all", unread > 0); },
        onOpen: (entry) => { if (!entry.read_at) onWork(() => this.mark(entry, "read")); },
        actions: (entry) => [[entry.read_at ? "Mark unread" : "Mark read", () => onWork(() => this.mark(this.lists.notifications.items.get(entry.id), entry.read_at ? "unread" : "read"))]],
        onAct,
        onProblem,
      }),
      activity: new Entries({
        ids: ids("activity"),
        path: () => "api/activity",
        filter: () => (kind() ? { event_type: kind() } : {}),
        none: () => (kind() ? "Nothing of this kind has happened." : "Nothing has happened yet."),
        words: (entry) => [entry.message, about(entry), graveOf(entry)],
        onAct,
        onProblem,
      }),
      alerts: new Entries({
        ids: ids("alerts"),
        path: () => "api/v1/alerts",
        filter: () => (state() ? { state: state() } : {}),
        none: () => (state() ? `No alert is ${state()}.` : "There were no alerts yet."),
        words: (entry) => [entry.message, [about(entry), entry.occurrences > 1 && `seen ${entry.occurrences} times`, entry.acknowledged_at && "acknowledged"].filter(Boolean).join(", "), entry.state],
        isNew: (entry) => entry.state === "open" && !entry.acknowledged_at,
        actions: (entry) => (entry.state === "open" && !entry.acknowledged_at ? [["Acknowledge", () => onWork(() => this.acknowledge(entry))]] : []),
        onAct,
        onProblem,
      }),
    };
    for (const name of Object.keys(TABS)) {
      byId(`${name}-filter`).addEventListener("change", () => {
        this.lists[name].clear();
        this.refresh().catch(onProblem);
      });
    }
    byId("read-all").addEventListener("click", () => onWork(() => this.readAll()));
  }

  /** What the window is called after. */
  get title() {
    return TITLES[this.shown];
  }

  /** Removes what the last user saw. */
  putAway() {
    for (const list of Object.values(this.lists)) list.putAway();
    show("read-all", false);
  }

  close() {}

  /** Shows one of the lists that this user may see. */
  open(name) {
    this.shown = may(TABS[name]) ? name : "notifications";
    for (const [tab, needs] of Object.entries(TABS)) {
      const isHere = tab === this.shown;
      show(`${tab}-tab`, may(needs));
      show(`${tab}-panel`, isHere);
      if (isHere) byId(`${tab}-tab`).setAttribute("aria-current", "page");
      else byId(`${tab}-tab`).removeAttribute("aria-current");
    }
    put("news-title", TITLES[this.shown]);
    this.onNamed();
  }

  refresh() {
    return this.lists[this.shown].refresh();
  }

  async mark(entry, how) {
    const answer = await sendJson("POST", `api/notifications/${entry.id}/${how}`, {});
    this.lists.notifications.take(await answer.json());
    await this.refresh();
  }

  async readAll() {
    const before = [...this.lists.notifications.items.values()].map(({ created_at: at }) => at).sort().at(-1);
    // What comes meanwhile was not seen.
    await sendJson("POST", "api/notifications/read", { all: true, ...(before && { before }) });
    await this.refresh();
    byId("news-title").focus();
  }

  async acknowledge(alert) {
    const answer = await sendJson("POST", `api/v1/alerts/${alert.id}/acknowledge`, {});
    this.lists.alerts.take(await answer.json());
    byId("news-title").focus();
  }
}
