// Media: finding assets by words and facets, looking at them, choosing some, and what can be done with those.

import { may } from "./account.js";
import { again, mayPass } from "./http.js";
import { download, isPlayed, isShown } from "./pictures.js";
import { get, send, sendJson } from "./service.js";
import { PAGE, Tiles } from "./tiles.js";
import { bytes, element, put, show, when } from "./text.js";

// What can be narrowed down by counts, and what people call it.
const FACETS = { asset_type: "Kind", category_key: "Category", lagertyp: "Lagertyp", render_status: "Line" };
const FACET_VALUES = 12;
// A request changes at most so many.
const AT_ONCE = 500;
const ZIP_FILES = 5000;
const THUMBNAIL_PX = 256;
const TYPING_MS = 300;
// Files that a message names.
const NAMED = 5;
const byId = (id) => document.getElementById(id);

const words = (value) => value.replaceAll("_", " ");

export class MediaView {
  /**
   * Calls `onNamed()` when something else is shown, `onAct()` when the user begins something, `onWork(work)` with what
   * they begin, `onWords(words)` with what there is to say, and `onProblem(error)` for an error; `viewer` shows pictures
   * large.
   */
  constructor({ onNamed, onAct, onWork, onWords, onProblem, viewer }) {
    Object.assign(this, { onNamed, onAct, onWork, onWords, onProblem, viewer });
    this.filters = new URLSearchParams();
    this.chosen = new Map();
    this.urls = new WeakMap();
    this.tiles = new Tiles({
      ids: { room: "tiles-room", list: "tiles", none: "no-media" },
      page: (number) => get(`api/media/assets?${this.asked({ page: number, page_size: PAGE })}`),
      make: (asset) => this.make(asset),
      update: (tile, asset) => this.update(tile, asset),
      drop: (tile) => this.drop(tile),
      onTotal: (total) => this.count(total),
      onProblem,
    });
    let typing = 0;
    byId("media-q").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => this.search(), TYPING_MS); });
    byId("media-search").addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(typing); this.search(); });
    byId("media-state").addEventListener("change", () => this.narrow("state", byId("media-state").value));
    byId("media-sort").addEventListener("change", () => this.narrow("sort", byId("media-sort").value));
    byId("media-clear").addEventListener("click", () => this.clearFilters());
    byId("media-zip").addEventListener("click", () => onWork(() => this.zip()));
    byId("media-publish").addEventListener("click", () => onWork(() => this.change("publish")));
    byId("media-unpublish").addEventListener("click", () => onWork(() => this.change("unpublish")));
    byId("media-delete").addEventListener("click", () => this.askToDelete());
    byId("media-keep").addEventListener("click", () => byId("media-deletion").close());
    byId("media-delete-for-good").addEventListener("click", () => {
      byId("media-deletion").close();
      onWork(() => this.change("delete"));
    });
    byId("media-choose-none").addEventListener("click", () => this.chooseNone());
    byId("media-upload").addEventListener("change", (event) => onWork(() => this.upload(event.target)));
  }

  /** What the window is called after. */
  get title() {
    return "Media";
  }

  /** Removes what the last user saw. */
  putAway() {
    this.close();
    this.filters = new URLSearchParams();
    this.chosen.clear();
    byId("media-search").reset();
    byId("facets").replaceChildren();
    put("media-count", "");
    this.drawActions();
  }

  /** Follows nothing: something else is looked at. */
  close() {
    this.tiles.putAway();
  }

  /** Shows what there is. */
  open() {
    this.drawActions();
    this.onNamed();
  }

  async refresh() {
    const { question } = this.tiles;
    const [facets] = await Promise.all([get(`api/media/assets/facets?${this.asked()}`), this.tiles.refresh()]);
    if (question === this.tiles.question) this.drawFacets(facets);
  }

  /** The parameters of what is asked for. */
  asked(more = {}) {
    const parameters = new URLSearchParams(this.filters);
    for (const [name, value] of Object.entries(more)) parameters.set(name, value);
    return parameters;
  }

  search() {
    this.narrow("q", byId("media-q").value.trim());
  }

  /** Asks for something else: a parameter has another value, or none. */
  narrow(name, value) {
    if ((this.filters.get(name) || "") === value) return;
    this.onAct();
    if (value) this.filters.set(name, value);
    else this.filters.delete(name);
    this.askAnew();
  }

  /** One value of a facet is wanted, or not any more. */
  toggle(name, value) {
    this.onAct();
    const values = this.filters.getAll(name);
    this.filters.delete(name);
    const others = values.filter((other) => other !== value);
    for (const other of others.length === values.length ? [...values, value] : others) this.filters.append(name, other);
    this.askAnew();
  }

  clearFilters() {
    this.onAct();
    this.filters = new URLSearchParams();
    byId("media-search").reset();
    this.askAnew();
    byId("media-q").focus();
  }

  askAnew() {
    this.tiles.clear();
    window.scrollTo(0, 0);
    this.drawActions();
    this.refresh().catch(this.onProblem);
  }

  count(total) {
    const isNarrowed = [...this.filters.keys()].some((name) => name !== "sort");
    put("media-count", `${total.toLocaleString()} ${total === 1 ? "file" : "files"}`);
    put("no-media", isNarrowed ? "Nothing fits these filters." : "There are no media yet. What orders render appears here.");
    show("media-clear", isNarrowed);
    this.total = total;
    this.drawActions();
  }

  /** The counts that can be chosen. A checkbox stays the element that it is: it may have the focus. */
  drawFacets(facets) {
    const place = byId("facets");
    for (const [name, label] of Object.entries(FACETS)) {
      const wanted = this.filters.getAll(name);
      const counts = Object.entries(facets[name] || {}).sort(([, a], [, b]) => b - a).slice(0, FACET_VALUES);
      for (const value of wanted) if (!counts.some(([other]) => other === value)) counts.push([value, 0]);
      let group = place.querySelector(`[data-facet="${name}"]`);
      if (!group) {
        group = element("fieldset", { "data-facet": name }, element("legend", {}, label));
        place.append(group);
      }
      group.hidden = counts.length === 0;
      const boxes = new Map([...group.querySelectorAll("label")].map((row) => [row.dataset.value, row]));
      counts.forEach(([value, n], at) => {
        const row = boxes.get(value) || this.facet(name, value);
        boxes.delete(value);
        row.querySelector("input").checked = wanted.includes(value);
        row.querySelector(".count").textContent = n.toLocaleString();
        if (group.children[at + 1] !== row) group.insertBefore(row, group.children[at + 1] || null);
      });
      for (const row of boxes.values()) row.remove();
    }
  }

  facet(name, value) {
    const box = element("input", { type: "checkbox" });
    box.addEventListener("change", () => this.toggle(name, value));
    const shown = name === "asset_type" || name === "render_status" ? words(value) : value;
    return element("label", { class: "check", "data-value": value }, box, element("span", { class: "name" }, shown), element("span", { class: "count quiet" }));
  }

  // Tiles

  make(asset) {
    const image = element("img", { alt: "" });
    const look = element("button", { type: "button", class: "look" }, image, element("span", { class: "kind quiet" }));
    const box = element("input", { type: "checkbox" });
    const caption = element("span", { class: "words" }, element("strong"), element("span", { class: "quiet" }));
    const tile = element("li", { class: "tile", "data-id": asset.id }, look, element("label", { class: "choose" }, box), caption);
    look.addEventListener("click", () => this.onWork(() => this.look(tile.asset)));
    box.addEventListener("change", () => this.choose(tile.asset, box.checked));
    return tile;
  }

  update(tile, asset) {
    const isNew = !tile.asset || tile.asset.file_hash !== asset.file_hash;
    tile.asset = asset;
    const name = asset.product ? `${asset.product.pim_id} ${asset.file_name}` : asset.file_name;
    const about = [asset.product?.name, asset.width && `${asset.width} × ${asset.height}`, bytes(asset.size_bytes), when(asset.created_at)];
    const [strong, quiet] = tile.querySelector(".words").children;
    const told = about.filter(Boolean).join(", ");
    if (strong.textContent !== name) { strong.textContent = name; strong.title = name; }
    if (quiet.textContent !== told) { quiet.textContent = told; quiet.title = told; }
    const kind = [words(asset.asset_type), asset.state !== "published" && asset.state].filter(Boolean).join(", ");
    tile.querySelector(".kind").textContent = kind;
    tile.querySelector(".look").setAttribute("aria-label", `${name}, ${kind}`);
    const box = tile.querySelector("input");
    box.checked = this.chosen.has(asset.id);
    box.setAttribute("aria-label", `Choose ${name}`);
    tile.classList.toggle("off", asset.state !== "published");
    if (isNew) this.thumbnail(tile, asset);
  }

  async thumbnail(tile, asset) {
    const image = tile.querySelector("img");
    // The list may have been read again meanwhile: the same file, in another object.
    const isWanted = () => tile.isConnected && tile.asset.file_hash === asset.file_hash;
    try {
      const path = `api/media/assets/${asset.id}/thumbnail?size=${THUMBNAIL_PX}`;
      const answer = await send(path, { headers: { Accept: "image/webp,image/png" }, cache: "default" });
      const url = URL.createObjectURL(await answer.blob());
      if (!isWanted()) return URL.revokeObjectURL(url);
      this.drop(tile);
      this.urls.set(tile, url);
      image.src = url;
    } catch (error) {
      // A model of a product without a picture has none, and neither has a file whose time is over.
      if (!mayPass(error)) image.classList.add("none");
      again(error, isWanted, () => this.thumbnail(tile, asset));
    }
  }

  drop(tile) {
    const url = this.urls.get(tile);
    if (url) URL.revokeObjectURL(url);
    this.urls.delete(tile);
  }

  /** Shows an asset large, or saves it where a browser cannot show it. */
  async look(asset) {
    if (!asset.links.content) return this.onWords("Its time is over: the file was removed, and only its record was kept.");
    const file = { name: asset.file_name, type: asset.media_type, url: asset.links.content };
    const label = asset.product ? `${asset.product.pim_id}: ${asset.file_name}` : asset.file_name;
    return isShown(file) || isPlayed(file) ? this.viewer.open(file, label, asset.file_name) : download(file, asset.file_name);
  }

  // Choosing

  choose(asset, isChosen) {
    if (isChosen) this.chosen.set(asset.id, asset);
    else this.chosen.delete(asset.id);
    this.drawActions();
  }

  chooseNone() {
    this.chosen.clear();
    this.tiles.draw();
    this.drawActions();
    byId("media-title").focus();
  }

  drawActions() {
    const n = this.chosen.size;
    const all = this.total || 0;
    put("media-chosen", n ? `${n.toLocaleString()} chosen` : "");
    put("media-zip", n ? `Download ${n.toLocaleString()} as ZIP` : "Download all as ZIP");
    show("media-zip", n > 0 || (all > 0 && all <= ZIP_FILES));
    for (const action of ["publish", "unpublish", "delete"]) show(`media-${action}`, n > 0 && may("write_media"));
    show("media-choose-none", n > 0);
    show("media-upload-way", may("write_media"));
  }

  /** Asks for a link to one archive of what is chosen, or of everything that is shown, and follows it. */
  async zip() {
    const filter = {};
    for (const name of new Set(this.filters.keys())) filter[name] = this.filters.getAll(name).join(",");
    const body = this.chosen.size ? { asset_ids: [...this.chosen.keys()] } : { filter };
    const { url, skipped } = await (await sendJson("POST", "api/v1/media-downloads", body)).json();
    const link = element("a", { href: url, download: "" });
    document.body.append(link);
    link.click();
    link.remove();
    if (skipped.length) this.onWords(`${skipped.length} of them are gone or expired, and are not in the archive.`);
  }

  askToDelete() {
    const n = this.chosen.size;
    put("media-deletion-title", n === 1 ? "Delete one file?" : `Delete ${n.toLocaleString()} files?`);
    // What was chosen before a search may be out of sight.
    const names = [...this.chosen.values()].slice(0, NAMED).map((asset) => asset.file_name);
    put("media-deletion-names", names.join(", ") + (n > NAMED ? ` and ${(n - NAMED).toLocaleString()} more` : ""));
    byId("media-deletion").showModal();
  }

  /** Does the same to all that are chosen. */
  async change(what) {
    const ids = [...this.chosen.keys()];
    const failed = [];
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const answer = await sendJson("POST", `api/media/assets/${what}`, { asset_ids: ids.slice(at, at + AT_ONCE) });
      failed.push(...(await answer.json()).failed);
    }
    if (what === "delete") this.chosen = new Map(failed.map(({ asset_id: id }) => [id, this.chosen.get(id)]));
    if (failed.length) {
      const codes = [...new Set(failed.map(({ code }) => words(code)))].join(", ");
      this.onWords(`${failed.length} of ${ids.length} stay as they are: ${codes}.`);
    }
    this.drawActions();
    await this.refresh();
  }

  async upload(field) {
    const files = [...field.files];
    field.value = "";
    const refused = [];
    for (const file of files) {
      const body = new FormData();
      body.append("request", new Blob(["{}"], { type: "application/json" }));
      body.append("file", file, file.name);
      try {
        await send("api/media/assets", { method: "POST", body });
      } catch (error) {
        // Another one may be taken all the same, unless the service or the user is away.
        if (mayPass(error) || error.status === 401) throw error;
        refused.push(`${file.name}: ${error.message}`);
      }
    }
    await this.refresh();
    if (refused.length) {
      const others = refused.length > NAMED ? ` And ${refused.length - NAMED} more.` : "";
      this.onWords(`${refused.length} of ${files.length} not taken. ${refused.slice(0, NAMED).join(" ")}${others}`);
    }
  }
}
