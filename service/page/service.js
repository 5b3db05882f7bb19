// Talks to the service: requests that say who is asking, and event streams that resume.

import { authorization, isReplaced } from "./credentials.js";
import { ask, mayPass, Problem, withJson } from "./http.js";

const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 15000;
// Refusals after which a new token may help.
const OF_TOKEN = ["token_expired", "unauthenticated"];

/** Sends a request; answers of 400 and above become a Problem. A token that is no longer valid is renewed once. */
export async function send(path, options = {}) {
  const shown = await authorization();
  try {
    return await ask(path, showing(shown, options));
  } catch (error) {
    const isOfToken = error instanceof Problem && OF_TOKEN.includes(error.code);
    if (!isOfToken || !(await isReplaced(shown))) throw error;
    return ask(path, showing(await authorization(), options));
  }
}

function showing(authorization, options) {
  const headers = new Headers(options.headers);
  if (authorization) headers.set("Authorization", authorization);
  return { ...options, headers };
}

/** The JSON of a resource. */
export const get = async (path) => (await send(path)).json();

/** Sends JSON. */
export const sendJson = (method, path, body) => send(path, withJson(method, body));

/** A file as an address that an image or a download can use; revoke it when it is no longer shown. */
export const objectUrl = async (path) => URL.createObjectURL(await (await send(path)).blob());

/**
 * Follows an event stream until `signal` aborts or it closes after `onEvent` has answered "end". It begins with the
 * event after `from`; where that is empty, with everything as it is now. A lost connection is resumed after the last event that arrived, so that no event is missed or seen twice.
 * A page that was left closes its connection, and opens one again if it is shown again.
 */
export async function follow(path, { signal, from = "0", onEvent, onAway }) {
  let last = from;
  let pause = RETRY_MS_MIN;
  while (!signal.aborted) {
    const connection = connected(signal);
    try {
      const seen = last && { "Last-Event-ID": last };
      const answer = await send(path, { signal: connection.signal, headers: { Accept: "text/event-stream", ...seen } });
      pause = RETRY_MS_MIN;
      let over = false;
      for await (const event of events(answer.body)) {
        if (event.id) last = event.id;
        over = onEvent(event.name, event.data) === "end";
      }
      // A failed job may be requeued: then its stream goes on after that event.
      if (over) return;
    } catch (error) {
      if (signal.aborted) return;
      if (connection.isLeft()) {
        await shownAgain();
        continue;
      }
      if (!mayPass(error)) throw error;
    } finally {
      connection.end();
    }
    onAway();
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, RETRY_MS_MAX);
  }
}

/**
 * A signal that aborts with another, and when the page is left. Browsers keep pages for a way back, with their
 * connections, and open only six to one address: after six pages nothing would load for a minute.
 */
function connected(signal) {
  const own = new AbortController();
  let left = false;
  const abort = () => own.abort();
  const leave = () => { left = true; own.abort(); };
  signal.addEventListener("abort", abort);
  window.addEventListener("pagehide", leave);
  const end = () => {
    signal.removeEventListener("abort", abort);
    window.removeEventListener("pagehide", leave);
  };
  return { signal: own.signal, isLeft: () => left, end };
}

let isShown = true;
window.addEventListener("pagehide", () => { isShown = false; });
window.addEventListener("pageshow", () => { isShown = true; });

const shownAgain = () =>
  new Promise((resolve) => isShown ? resolve() : window.addEventListener("pageshow", resolve, { once: true }));

/** The events of a stream, as the HTML standard has them: fields up to an empty line. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let event = { name: "message", id: "", data: [] };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      const line = text.slice(0, end).replace(/\r$/, "");
      text = text.slice(end + 1);
      if (line === "") {
        if (event.data.length) yield { ...event, data: JSON.parse(event.data.join("\n")) };
        event = { name: "message", id: "", data: [] };
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const content = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") event.name = content;
      else if (field === "id") event.id = content;
      else if (field === "data") event.data.push(content);
    }
  }
}
