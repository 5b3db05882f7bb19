// The bell: how many notifications are unread and how many alerts are open, followed as they come. Activity never
// rings.

import { may } from "./account.js";
import { follow, get } from "./service.js";
import { put, show } from "./text.js";

const SHOWN_MAX = 99;
const byId = (id) => document.getElementById(id);

export class Bell {
  /** Calls `onNews()` when there is something new, or something was read elsewhere. */
  constructor({ onNews }) {
    this.onNews = onNews;
    this.following = null;
    this.counts = { notification: 0, alert: 0 };
  }

  /** Follows what there is for whoever is asking now. */
  open() {
    show("bell", may("own_notifications"));
    if (this.following || !may("own_notifications")) return;
    this.following = new AbortController();
    this.listen(this.following.signal);
  }

  /** Follows nothing: nobody is there. */
  close() {
    this.following?.abort();
    this.following = null;
    show("bell", false);
    this.ring({ notification: 0, alert: 0 });
  }

  async listen(signal) {
    try {
      await follow("api/notifications/events", {
        signal,
        from: "",
        onEvent: (name, data) => this.hear(name, data),
        onAway: () => {},
      });
    } catch {
      // Refused: the lists say why. The next one who comes in is asked for again.
      if (!signal.aborted) this.close();
    }
  }

  hear(name, data) {
    if (name === "unread_count") this.ring(data);
    else if (name === "snapshot") this.count();
    this.onNews(name);
  }

  /** Reads the counts: the beginning of the feed has one of them alone. */
  async count() {
    try {
      this.ring(await get("api/notifications/unread-count"));
    } catch { /* the feed says it again */ }
  }

  ring({ notification, alert }) {
    this.counts = { notification, alert };
    const all = notification + alert;
    put("bell-count", all ? (all > SHOWN_MAX ? `${SHOWN_MAX}+` : String(all)) : "");
    const parts = [`${notification} unread`, alert && `${alert} open ${alert === 1 ? "alert" : "alerts"}`].filter(Boolean);
    byId("bell").setAttribute("aria-label", `Notifications: ${parts.join(", ")}`);
    byId("bell").classList.toggle("rings", all > 0);
  }
}
