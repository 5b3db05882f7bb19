// Requests to the service, and its refusals. This file knows nothing of users and keys.

// After so long what could not be read is asked for again.
const AGAIN_MS = 10000;

/** An answer of 400 or above, with its problem body. */
export class Problem extends Error {
  constructor(answer, body) {
    super(body.detail || body.title || `The service answered ${answer.status}.`);
    this.status = answer.status;
    this.code = body.code || "";
    this.help = body.help || "";
    this.errors = body.errors || [];
    // In seconds.
    this.retryAfter = Number(answer.headers.get("Retry-After")) || 0;
  }
}

/** Whether an error means that the service did not answer: not at all, or a proxy answered in its place. */
export const isAway = (error) => !(error instanceof Problem) || (error.status >= 502 && !error.code);

/** Whether the same request may succeed a little later: the service would refuse it again after other errors. */
export const mayPass = (error) => !(error instanceof Problem) || error.status >= 500 || error.status === 429;

/** Does something a while after an error that may pass, if it is still wanted then. */
export function again(error, isWanted, work) {
  if (mayPass(error)) setTimeout(() => { if (isWanted()) work(); }, AGAIN_MS);
}

/** Sends a request; answers of 400 and above become a Problem. */
export async function ask(path, options = {}) {
  const answer = await fetch(path, { cache: "no-store", ...options });
  if (answer.ok) return answer;
  let body = {};
  try { body = await answer.json(); } catch { /* not an answer of the service, perhaps a proxy's */ }
  throw new Problem(answer, body);
}

/** The options of a request with a JSON body. */
export const withJson = (method, body) => ({ method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
