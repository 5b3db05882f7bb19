// A list that comes in pages, newest first, and is read again and again: a row stays the element that it is.

import { get } from "./service.js";
import { element, show } from "./text.js";

const PAGE = 30;
const byId = (id) => document.getElementById(id);

const newestFirst = (a, b) => (a.created_at === b.created_at ? (a.id < b.id ? 1 : -1) : a.created_at < b.created_at ? 1 : -1);

export class Listing {
  /**
   * `ids` names its elements: the `list`, the button for `more` of it, and the words where there is `none`. Calls
   * `path()` for the address to ask, `hash(item)` for the fragment that selects an item, and `words(item)` for its
   * name, what else is said of it, and its state. Where it is given, `filter()` are parameters of the address, and
   * `none()` the words where there is none; `onPage(page)` is told of each newest page.
   */
  constructor({ ids, path, filter, hash, words, none, onPage, onAct, onProblem }) {
    Object.assign(this, { ids, path, filter, hash, words, none, onPage });
    this.rows = new Map();
    this.items = new Map();
    this.chosen = "";
    this.clear();
    byId(ids.more).addEventListener("click", () => { onAct(); this.more().catch(onProblem); });
  }

  /** Forgets what was read. Its rows stay until something else is read, or is drawn. */
  clear() {
    this.items.clear();
    // Where the pages that were read end; `undefined` before the first one.
    this.next = undefined;
    // Counts what was asked for: an answer to an earlier question is not shown.
    this.question = (this.question || 0) + 1;
  }

  /** Shows nothing, and keeps nothing. */
  putAway() {
    this.clear();
    this.draw();
  }

  /** Marks the item that is selected. */
  mark(id) {
    this.chosen = id;
    for (const [other, row] of this.rows) row.firstElementChild.setAttribute("aria-current", String(other === id));
  }

  /** Reads the newest items, and returns them; older ones that were read stay. */
  async refresh() {
    const { question } = this;
    const page = await this.page("");
    if (question !== this.question) return [];
    const { items, next_cursor: next } = page;
    this.onPage?.(page);
    const ids = new Set(items.map((item) => item.id));
    const oldest = items.at(-1);
    // Where so many are new that none of these was read before, some between them and the older ones are missing.
    const isConnected = next !== null && items.some((item) => this.items.has(item.id));
    for (const item of [...this.items.values()]) {
      const isOlder = isConnected && item.created_at < oldest.created_at;
      if (!ids.has(item.id) && !isOlder) this.items.delete(item.id);
    }
    for (const item of items) this.items.set(item.id, item);
    if (!isConnected || this.next === undefined) this.next = next;
    this.draw();
    return items;
  }

  /** Reads the next older items. */
  async more() {
    const { question, next } = this;
    const page = await this.page(next);
    if (question !== this.question) return;
    const [first] = page.items;
    for (const item of page.items) this.items.set(item.id, item);
    this.next = page.next_cursor;
    this.draw();
    if (first) this.rows.get(first.id).firstElementChild.focus();
  }

  page(cursor) {
    const parameters = new URLSearchParams({ limit: PAGE, ...this.filter?.(), ...(cursor && { cursor }) });
    return get(`${this.path()}?${parameters}`);
  }

  /** A new state of an item, if it is in the list. */
  take(item) {
    if (!this.items.has(item.id)) return;
    this.items.set(item.id, item);
    this.drawRow(item);
  }

  draw() {
    const items = [...this.items.values()].sort(newestFirst);
    for (const [id, row] of this.rows) {
      if (!this.items.has(id)) { row.remove(); this.rows.delete(id); }
    }
    items.forEach((item, place) => {
      const row = this.drawRow(item);
      const list = byId(this.ids.list);
      if (list.children[place] !== row) list.insertBefore(row, list.children[place] || null);
    });
    if (this.none) byId(this.ids.none).textContent = this.none();
    show(this.ids.none, items.length === 0 && this.next !== undefined);
    show(this.ids.more, Boolean(this.next));
  }

  makeRow(item) {
    const button = element("button", { type: "button" }, element("span"), element("span"));
    button.addEventListener("click", () => { location.hash = this.hash(item); });
    return element("li", { "data-id": item.id }, button);
  }

  drawRow(item) {
    let row = this.rows.get(item.id);
    if (!row) {
      row = this.makeRow(item);
      this.rows.set(item.id, row);
    }
    const [words, badge] = row.firstElementChild.children;
    const [name, more, state] = this.words(item);
    if (words.textContent !== name + more) {
      words.replaceChildren(element("strong", { title: name }, name), element("span", { class: "quiet", title: more }, more));
    }
    badge.textContent = state;
    badge.className = `state ${state}`;
    row.firstElementChild.setAttribute("aria-current", String(item.id === this.chosen));
    return row;
  }
}
