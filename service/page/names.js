// What people call products, output types and workflows, asked for once each, and a few at a time.

import { may } from "./account.js";
import { mayPass } from "./http.js";
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

/** A workflow definition. */
export const workflowOf = (id) => asked(`api/workflows/${id}`);

/** What a run of a workflow ran on, in words. Who may not see it, or finds it gone, gets its id. */
export async function contextOf({ order_line_id: line, cad_file_id: file }) {
  const id = line ? `order line ${line}` : `CAD file ${file}`;
  if (!may("read_catalogue") || (line && !may("read_orders"))) return id;
  try {
    if (!line) return (await asked(`api/v1/cad-files/${file}`)).original_name;
    const of = await asked(`api/v1/order-lines/${line}`);
    const [product, outputType] = await Promise.all([productOf(of), outputTypeOf(of)]);
    return `${product.pim_id}, ${outputType.name}`;
  } catch (error) {
    if (mayPass(error)) throw error;
    return id;
  }
}

function asked(path) {
  if (!known.has(path)) {
    const answer = inTurn(() => get(path));
    known.set(path, answer);
    // What could not be read now may be read later.
    answer.catch(() => known.delete(path));
  }
  return known.get(path);
}

/** Asks for something when less than a few others are being asked for. */
export async function inTurn(ask) {
  if (n_asked >= AT_ONCE) await new Promise((go) => { waiting.push(go); });
  n_asked += 1;
  try {
    return await ask();
  } finally {
    n_asked -= 1;
    waiting.shift()?.();
  }
}
