// What the page sends to say who is asking: an API key, or the access token of a user, renewed before it expires.
//
// The access token is only in memory. The refresh token, or the key, is in the session storage of the tab: it is there
// after a reload, and gone with the tab. There is no cookie, so that no other site can make a browser act here.

import { ask, Problem, withJson } from "./http.js";

const KEY = "packshot.key";
const REFRESH_TOKEN = "packshot.refresh_token";
// An access token is renewed when it has less than this share of its life left.
const SHARE_LEFT_MIN = 0.2;

let access = null;
let renewal = null;
// Counts who has asked so far: what was begun for one is not for the next.
let asker = 0;

// A tab that was duplicated has the refresh token of the first. One that is used long after it was replaced ends the
// session for both, so tabs tell each other.
const tabs = new BroadcastChannel("packshot.refresh_token");
tabs.addEventListener("message", ({ data: { old, next } }) => {
  if (sessionStorage.getItem(REFRESH_TOKEN) === old) sessionStorage.setItem(REFRESH_TOKEN, next);
});

/** Uses these tokens from now on: a user has just signed in, or the tokens were renewed. */
export function useTokens(tokens) {
  asker += 1;
  keep(tokens);
}

function keep(tokens) {
  const { access_token: token, refresh_token: next, expires_in: lives } = tokens;
  access = { token, renewAt: Date.now() + lives * 1000 * (1 - SHARE_LEFT_MIN) };
  sessionStorage.removeItem(KEY);
  sessionStorage.setItem(REFRESH_TOKEN, next);
}

/** Uses this API key from now on. */
export function useKey(key) {
  forget();
  sessionStorage.setItem(KEY, key);
}

/** Forgets tokens and key. */
export function forget() {
  asker += 1;
  access = null;
  sessionStorage.removeItem(KEY);
  sessionStorage.removeItem(REFRESH_TOKEN);
}

/** Who is asking: a `person`, a `key` or `nobody`. */
export function kind() {
  if (sessionStorage.getItem(KEY)) return "key";
  return sessionStorage.getItem(REFRESH_TOKEN) ? "person" : "nobody";
}

/** The value of `Authorization`; empty if nobody has signed in. */
export async function authorization() {
  if (kind() === "person" && (!access || Date.now() >= access.renewAt)) await renew();
  return current();
}

/** After a refusal of what was `shown`: whether there is something else to send now. */
export async function isReplaced(shown) {
  if (kind() !== "person") return false;
  // Another request that was refused may have renewed it already.
  if (current() === shown) await renew();
  return true;
}

/** Waits for a renewal that is on its way. */
export async function settled() {
  try { await renewal; } catch { /* the request that began it reports the error */ }
}

function current() {
  const shown = sessionStorage.getItem(KEY) || access?.token;
  return shown ? `Bearer ${shown}` : "";
}

/** Gets the next pair of tokens. All that need one at the same time share one request. */
function renew() {
  renewal ??= exchange().finally(() => { renewal = null; });
  return renewal;
}

async function exchange() {
  const old = sessionStorage.getItem(REFRESH_TOKEN);
  const own = asker;
  try {
    const tokens = await (await ask("api/auth/refresh", withJson("POST", { refresh_token: old }))).json();
    if (asker !== own) return;
    keep(tokens);
    tabs.postMessage({ old, next: tokens.refresh_token });
  } catch (error) {
    if (asker === own && error instanceof Problem && error.status === 401) forget();
    throw error;
  }
}
