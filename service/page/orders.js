// The list of orders, newest first, and which of them is selected.

import { Listing } from "./listing.js";
import { OrderView, progressOf } from "./order.js";
import { when } from "./text.js";

const byId = (id) => document.getElementById(id);

export class OrdersView {
  /** Calls `onNamed()` when another order is selected, and the others as `OrderView` does. */
  constructor({ onNamed, onAct, onProblem, onWords, viewer }) {
    this.onNamed = onNamed;
    this.onAct = onAct;
    this.chosen = "";
    const status = () => byId("orders-filter").value;
    this.listing = new Listing({
      ids: { list: "order-list", more: "more-orders", none: "no-orders" },
      path: () => "api/orders",
      filter: () => (status() ? { status: status() } : {}),
      hash: (order) => `orders/${order.id}`,
      words: (order) => [order.order_number, [progressOf(order.line_counts), when(order.submitted_at || order.created_at)].join(", "), order.status],
      none: () => (status() ? `No order is ${status()}.` : "There are no orders yet."),
      onAct,
      onProblem,
    });
    this.view = new OrderView({ onChange: (order) => this.take(order), onAct, onProblem, onWords, viewer });
    byId("orders-filter").addEventListener("change", () => { this.listing.clear(); this.refresh().catch(onProblem); });
  }

  /** What the window is called after. */
  get title() {
    return this.view.order ? `Order ${this.view.order.order_number}` : "Orders";
  }

  /** Removes what the last user saw. */
  putAway() {
    this.close();
    this.listing.putAway();
  }

  /** Follows nothing: something else is looked at. */
  close() {
    if (this.chosen) this.choose("");
  }

  /** Selects an order, or none. */
  choose(id) {
    if (id === this.chosen && id) return;
    this.chosen = id;
    this.onAct();
    this.listing.mark(id);
    if (id) this.view.open(id);
    else this.view.close();
    this.onNamed();
  }

  /** Reads the newest orders. */
  async refresh() {
    const row = (await this.listing.refresh()).find((order) => order.id === this.chosen);
    if (row) this.view.catchUp(row);
  }

  /** A new state of the selected order. */
  take(order) {
    this.listing.take(order);
    this.onNamed();
  }
}
