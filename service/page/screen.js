// Which of the page's screens is shown, and what the window is called meanwhile.

import { show } from "./text.js";

const SCREENS = ["waiting", "door", "work", "orders", "workflows", "media", "reviews", "news", "settings"];

/** Shows one screen in place of the others. */
export function turnTo(screen) {
  for (const other of SCREENS) show(other, other === screen);
  // While a form is shown, nothing is asked of the service.
  if (screen === "door") show("connection", false);
}

/** Names the window after what is shown. */
export function title(what) {
  const whole = what ? `${what} · Packshot` : "Packshot";
  if (document.title !== whole) document.title = whole;
}
