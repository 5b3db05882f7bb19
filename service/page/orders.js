// The list of orders, newest first, and which of them is selected.

import { get } from "./service.js";
import { OrderView, progressOf } from "./order.js";
import { forgetNames } from "./names.js";
import { element, show, when } from "./text.js";

const PAGE = 30;
const byId = (id) => document.getElementById(id);

export class OrdersView {
  /** Calls `onNamed()` when another order is selected, and the others as `OrderView` does. */
  constructor({ onNamed, onAct, onProblem, onWords }) {
    this.onNamed = onNamed;
    this.onAct = onAct;
    this.rows = new Map();
    this.orders = new Map();
    this.chosen = "";
    this.clearList();
    this.view = new OrderView({ onChange: (order) => this.take(order), onAct, onProblem, onWords });
    byId("orders-filter").addEventListener("change", () => { this.clearList(); this.refresh().catch(onProblem); });
    byId("more-orders").addEventListener("click", () => { onAct(); this.more().catch(onProblem); });
  }

  /** What the window is called after. */
  get title() {
    return this.view.order ? `Order ${this.view.order.order_number}` : "Orders";
  }

  /** Removes what the last user saw. */
  putAway() {
    this.choose("");
    this.clearList();
    this.draw();
    forgetNames();
  }

  /** Selects an order, or none. */
  choose(id) {
    if (id === this.chosen && id) return;
    this.chosen = id;
    this.onAct();
    this.mark();
    if (id) this.view.open(id);
    else this.view.close();
    this.onNamed();
  }

  mark() {
    for (const [id, row] of this.rows) row.firstElementChild.setAttribute("aria-current", String(id === this.chosen));
  }

  clearList() {
    this.orders.clear();
    // Where the pages that were read end; `undefined` before the first one.
    this.next = undefined;
    // Counts what was asked for: an answer to an earlier question is not shown.
    this.question = (this.question || 0) + 1;
  }

  /** Reads the newest orders; older ones that were read stay. */
  async refresh() {
    const { question } = this;
    const { items, next_cursor: next } = await this.page("");
    if (question !== this.question) return;
    const ids = new Set(items.map((order) => order.id));
    const oldest = items.at(-1);
    // Where so many are new that none of these was read before, some between them and the older ones are missing.
    const isConnected = next !== null && items.some((order) => this.orders.has(order.id));
    for (const order of [...this.orders.values()]) {
      const isOlder = isConnected && order.created_at < oldest.created_at;
      if (!ids.has(order.id) && !isOlder) this.orders.delete(order.id);
    }
    for (const order of items) this.orders.set(order.id, order);
    if (!isConnected || this.next === undefined) this.next = next;
    this.draw();
    const row = items.find((order) => order.id === this.chosen);
    if (row) this.view.catchUp(row);
  }

  /** Reads the next older orders. */
  async more() {
    const { question, next } = this;
    const page = await this.page(next);
    if (question !== this.question) return;
    const [first] = page.items;
    for (const order of page.items) this.orders.set(order.id, order);
    this.next = page.next_cursor;
    this.draw();
    if (first) this.rows.get(first.id).firstElementChild.focus();
  }

  page(cursor) {
    const status = byId("orders-filter").value;
    const parameters = new URLSearchParams({ limit: PAGE, ...(status && { status }), ...(cursor && { cursor }) });
    return get(`api/orders?${parameters}`);
  }

  draw() {
    const newestFirst = (a, b) => (a.created_at === b.created_at ? (a.id < b.id ? 1 : -1) : a.created_at < b.created_at ? 1 : -1);
    const orders = [...this.orders.values()].sort(newestFirst);
    for (const [id, row] of this.rows) {
      if (!this.orders.has(id)) { row.remove(); this.rows.delete(id); }
    }
    orders.forEach((order, place) => {
      const row = this.drawRow(order);
      const list = byId("order-list");
      if (list.children[place] !== row) list.insertBefore(row, list.children[place] || null);
    });
    const status = byId("orders-filter").value;
    byId("no-orders").textContent = status ? `No order is ${status}.` : "There are no orders yet.";
    show("no-orders", orders.length === 0 && this.next !== undefined);
    show("more-orders", Boolean(this.next));
  }

  drawRow(order) {
    let row = this.rows.get(order.id);
    if (!row) {
      const button = element("button", { type: "button" }, element("span"), element("span"));
      button.addEventListener("click", () => { location.hash = `orders/${order.id}`; });
      row = element("li", { "data-id": order.id }, button);
      this.rows.set(order.id, row);
    }
    const [words, state] = row.firstElementChild.children;
    const more = [progressOf(order.line_counts), when(order.submitted_at || order.created_at)].join(", ");
    if (words.textContent !== order.order_number + more) {
      words.replaceChildren(element("strong", { title: order.order_number }, order.order_number), element("span", { class: "quiet", title: more }, more));
    }
    state.textContent = order.status;
    state.className = `state ${order.status}`;
    row.firstElementChild.setAttribute("aria-current", String(order.id === this.chosen));
    return row;
  }

  /** A new state of the selected order. */
  take(order) {
    if (this.orders.has(order.id)) {
      this.orders.set(order.id, order);
      this.drawRow(order);
    }
    this.onNamed();
  }
}
