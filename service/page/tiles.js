// A grid of tiles over a list that may have a hundred thousand items: only those in sight are elements, only the pages
// around them are read, and the scroll bar is as long as the whole list.

import { element, show } from "./text.js";

// Items of a page, and pages that are kept.
export const PAGE = 50;
const PAGES_KEPT = 12;
// Rows beyond the window, so that the keyboard finds something there.
const ROWS_AHEAD = 2;
const TILE_WIDTH_PX = 176;
const GAP_PX = 12;
const CAPTION_PX = 62;
const byId = (id) => document.getElementById(id);

export class Tiles {
  /**
   * `ids` names its elements: the `room` that is as high as the whole list, the `list` in it, and the words where
   * there is `none`. Calls `page(number)` for a page, from 1: its `items` and the `total`; `make(item)` for the element
   * of a tile, `update(tile, item)` when it is to show the item's present state, and `drop(tile)` when it is removed.
   */
  constructor({ ids, page, make, update, drop, onTotal, onProblem }) {
    Object.assign(this, { ids, page, make, update, drop, onTotal, onProblem });
    this.tiles = new Map();
    this.isOpen = false;
    this.clear();
    const draw = () => { if (this.isOpen) this.draw(); };
    window.addEventListener("scroll", draw, { passive: true });
    window.addEventListener("resize", draw);
  }

  /** Forgets what was read: something else is asked for. */
  clear() {
    this.question = (this.question || 0) + 1;
    this.pages = new Map();
    this.asked = new Map();
    this.total = undefined;
  }

  /** Shows nothing, and keeps nothing. */
  putAway() {
    this.clear();
    this.isOpen = false;
    for (const tile of this.tiles.values()) { this.drop(tile); tile.remove(); }
    this.tiles.clear();
    byId(this.ids.room).style.height = "0";
  }

  /** Reads the pages in sight again. */
  async refresh() {
    this.isOpen = true;
    const numbers = this.total === undefined ? [1] : this.inSight().pages;
    await Promise.all(numbers.map((number) => this.read(number)));
    this.draw();
  }

  /** Reads a page; whoever asks for it meanwhile waits for the same answer. */
  read(number) {
    if (!this.asked.has(number)) {
      const { question } = this;
      const answer = this.page(number).then(({ items, total }) => {
        if (question !== this.question) return;
        this.asked.delete(number);
        this.pages.delete(number);
        this.pages.set(number, items);
        for (const old of [...this.pages.keys()].slice(0, -PAGES_KEPT)) this.pages.delete(old);
        this.total = total;
        this.onTotal(total);
      }, (error) => {
        if (question === this.question) this.asked.delete(number);
        throw error;
      });
      this.asked.set(number, answer);
    }
    return this.asked.get(number);
  }

  /** An item, where its page has been read. */
  at(place) {
    return this.pages.get(Math.floor(place / PAGE) + 1)?.[place % PAGE];
  }

  /** Which items are in sight, on which pages, and how they are laid out. */
  inSight() {
    const room = byId(this.ids.room).getBoundingClientRect();
    const columns = Math.max(1, Math.floor((room.width + GAP_PX) / (TILE_WIDTH_PX + GAP_PX)));
    const width = (room.width - (columns - 1) * GAP_PX) / columns;
    const height = width + CAPTION_PX + GAP_PX;
    const rows = Math.ceil((this.total || 0) / columns);
    const within = (row) => Math.min(Math.max(row, 0), rows);
    const first = within(Math.floor(-room.top / height) - ROWS_AHEAD);
    const last = within(Math.ceil((innerHeight - room.top) / height) + ROWS_AHEAD);
    const from = first * columns;
    const to = Math.min(last * columns, this.total || 0);
    const pages = [];
    for (let number = Math.floor(from / PAGE) + 1; number <= Math.ceil(to / PAGE); number += 1) pages.push(number);
    return { from, to, pages: pages.length ? pages : [1], columns, height, rows, top: first * height };
  }

  draw() {
    if (this.total === undefined) return;
    show(this.ids.none, this.total === 0);
    const { from, to, pages, columns, height, rows, top } = this.inSight();
    byId(this.ids.room).style.height = `${Math.max(rows * height - GAP_PX, 0)}px`;
    const list = byId(this.ids.list);
    list.style.transform = `translateY(${top}px)`;
    list.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    list.style.gridAutoRows = `${height - GAP_PX}px`;
    for (const number of pages) {
      if (!this.pages.has(number) && !this.asked.has(number)) this.read(number).then(() => this.draw(), this.onProblem);
    }
    const seen = new Set();
    let place = 0;
    for (let at = from; at < to; at += 1) {
      const item = this.at(at);
      const id = item?.id || `at-${at}`;
      if (seen.has(id)) continue;
      seen.add(id);
      const tile = this.tile(id, item);
      tile.setAttribute("aria-setsize", this.total);
      tile.setAttribute("aria-posinset", at + 1);
      if (list.children[place] !== tile) list.insertBefore(tile, list.children[place] || null);
      place += 1;
    }
    for (const [id, tile] of this.tiles) {
      if (!seen.has(id)) { this.drop(tile); tile.remove(); this.tiles.delete(id); }
    }
  }

  tile(id, item) {
    let tile = this.tiles.get(id);
    if (!tile) {
      tile = item ? this.make(item) : element("li", { class: "tile unread-yet" });
      this.tiles.set(id, tile);
    }
    if (item) this.update(tile, item);
    return tile;
  }
}
