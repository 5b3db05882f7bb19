// What people call products and output types, asked for once each, and a few at a time.

import { get } from "./service.js";

const AT_ONCE = 4;

const known = new Map();
const waiting = [];
let n_asked = 0;

/** Forgets all names: the next user may not see them. */
export function forgetNames() {
  known.clear();
  waiting.length = 0;
}

/** A product: its `pim_id` and its name. */
export const productOf = (line) => asked(`api/v1/products/${line.product_id}`);

/** An output type: its name. */
export const outputTypeOf = (line) => asked(`api/v1/output-types/${line.output_type_id}`);

function asked(path) {
  if (!known.has(path)) {
    const answer = inTurn(() => get(path));
    known.set(path, answer);
    // What could not be read now may be read later.
    answer.catch(() => known.delete(path));
  }
  return known.get(path);
}

async function inTurn(ask) {
  if (n_asked >= AT_ONCE) await new Promise((go) => { waiting.push(go); });
  n_asked += 1;
  try {
    return await ask();
  } finally {
    n_asked -= 1;
    waiting.shift()?.();
  }
}
