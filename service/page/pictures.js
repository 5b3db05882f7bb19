// The files that were made of an order line or by a node of a workflow, and looking at one of them: a picture, or a
// movie that plays.

import { may } from "./account.js";
import { mayPass } from "./http.js";
import { inTurn } from "./names.js";
import { get, objectUrl } from "./service.js";
import { element } from "./text.js";

// What a browser shows as a picture.
const SHOWN = ["image/png", "image/jpeg", "image/webp", "image/avif"];
const URL_LIVES_MS = 60000;
const byId = (id) => document.getElementById(id);

/** Whether a file is a picture that can be looked at here. */
export const isShown = (file) => SHOWN.includes(file.type);

/** Whether a file is a movie that can be played here. */
export const isPlayed = (file) => file.type === "video/mp4";

/** The newest files of a line: name, media type, address; those first that can be looked at. */
export async function picturesOf(line) {
  if (!line.asset_ids.length || !may("read_media")) return [];
  const places = new Map(line.asset_ids.map((id, place) => [id, place]));
  const assets = [];
  for (let cursor = ""; cursor !== null;) {
    const page = await get(`api/media/assets?order_line_id=${line.id}&page_size=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    assets.push(...page.items.filter(({ id }) => places.has(id)));
    cursor = page.next_cursor;
  }
  return filesOf(assets.sort((a, b) => places.get(a.id) - places.get(b.id)));
}

/** The same of these assets, each asked for by itself. Those that are gone are left out. */
export async function filesOfAssets(ids) {
  if (!may("read_media")) return [];
  const assets = await Promise.all(ids.map((id) => inTurn(() => get(`api/media/assets/${id}`)).catch((error) => {
    if (mayPass(error)) throw error;
    return null;
  })));
  return filesOf(assets.filter((asset) => asset));
}

function filesOf(assets) {
  const files = assets.filter(({ links }) => links.content);
  const shown = files.map((asset) => ({ name: asset.file_name, type: asset.media_type, url: asset.links.content }));
  return [...shown.filter(isShown), ...shown.filter((file) => !isShown(file))];
}

/** Saves a file under a name. */
export async function download(file, name) {
  const url = await objectUrl(file.url);
  const link = element("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), URL_LIVES_MS);
}

/** Shows one picture large, or plays one movie, with a button to save it. */
export class Viewer {
  /** Calls `onAct(work)` with what the user begins. */
  constructor({ onAct }) {
    this.dialog = byId("viewer");
    this.picture = byId("viewer-picture");
    this.movie = byId("viewer-movie");
    this.url = "";
    // Counts what was asked for: a picture that arrives after something else was chosen is not shown.
    this.asked = 0;
    byId("viewer-close").addEventListener("click", () => this.dialog.close());
    byId("viewer-save").addEventListener("click", () => onAct(() => download(this.file, this.name)));
    this.dialog.addEventListener("close", () => this.forget());
  }

  async open(file, label, name) {
    this.asked += 1;
    const { asked } = this;
    const url = await objectUrl(file.url);
    if (asked !== this.asked) return URL.revokeObjectURL(url);
    this.forget();
    Object.assign(this, { file, name, url });
    byId("viewer-title").textContent = label;
    const [shown, other] = isPlayed(file) ? [this.movie, this.picture] : [this.picture, this.movie];
    // A movie begins by itself, unless the user wants no motion.
    this.movie.autoplay = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    shown.src = url;
    this.picture.alt = label;
    this.movie.setAttribute("aria-label", label);
    [shown.hidden, other.hidden] = [false, true];
    if (!this.dialog.open) this.dialog.showModal();
  }

  close() {
    this.asked += 1;
    if (this.dialog.open) this.dialog.close();
  }

  forget() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = "";
    for (const shown of [this.picture, this.movie]) shown.removeAttribute("src");
    // A movie whose address is taken away goes on with what it has read.
    this.movie.load();
  }
}
