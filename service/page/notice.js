// The banner: what went wrong, until its cause has gone. Causes are `service`, which goes when the service answers
// again, and `act`, which goes with the next thing that the user does.

import { isAway } from "./http.js";
import { AWAY, explain, show } from "./text.js";

const notice = document.getElementById("notice");

/** Shows what went wrong. What the user did comes before what the page does by itself. */
export function complain(error, cause, explained = explain(error)) {
  if (cause === "service" && !notice.hidden && notice.dataset.cause === "act") return;
  say(cause === "service" && isAway(error) ? `${AWAY} Trying again…` : explained, cause, isAway(error));
}

/** Shows words about something, until its cause has gone. */
export function say(words, cause, isOfAway = false) {
  const isShown = !notice.hidden;
  notice.dataset.cause = cause;
  notice.dataset.isAway = isOfAway;
  // The same words again would be read out again.
  if (!isShown || notice.textContent !== words) notice.textContent = words;
  show("notice", true);
}

/** The service has answered. */
export function serviceAnswers() {
  if (notice.dataset.cause === "service" || notice.dataset.isAway === "true") hush();
}

/** The user does the next thing. */
export function actBegins() {
  if (notice.dataset.cause === "act") hush();
}

/** Removes the banner. */
export function hush() {
  notice.textContent = "";
  show("notice", false);
}
