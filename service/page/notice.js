// The banner: what went wrong, until its cause has gone. Causes are `service`, which goes when the service answers
// again, and `act`, which goes with the next thing that the user does.

import { isAway } from "./http.js";
import { AWAY, explain, show } from "./text.js";

const notice = document.getElementById("notice");

/** Shows what went wrong. What the user did comes before what the page does by itself. */
export function complain(error, cause) {
  const isShown = !notice.hidden;
  if (cause === "service" && isShown && notice.dataset.cause === "act") return;
  const words = cause === "service" && isAway(error) ? `${AWAY} Trying again…` : explain(error);
  notice.dataset.cause = cause;
  notice.dataset.isAway = isAway(error);
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
