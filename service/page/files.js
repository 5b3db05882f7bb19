// The files of a row in a list: small pictures that open large ones, and buttons to play movies and to save the rest.
// They are fetched when the row comes into sight.

import { again, mayPass } from "./http.js";
import { download, isPlayed, isShown } from "./pictures.js";
import { objectUrl } from "./service.js";
import { element } from "./text.js";

// Files that are shown at first.
const FILES = 12;

const ofRow = new WeakMap();
const sight = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting) ofRow.get(target).fill();
  }
}, { rootMargin: "300px" });

export class Files {
  /** Calls `onAct(work)` with what the user begins; `viewer` shows pictures large. */
  constructor({ onAct, viewer }) {
    Object.assign(this, { onAct, viewer });
    this.element = element("div", { class: "files" });
    this.urls = [];
    // Changes with the files; `null` when they are not shown any more.
    this.key = "";
    // Finds them; `null` when they were found.
    this.find = null;
  }

  /** Says what row they are in. */
  isIn(row) {
    this.row = row;
    ofRow.set(row, this);
  }

  /** Shows what `find()` answers, unless these are the files that are shown already. */
  of(key, find) {
    if (key === this.key) return;
    Object.assign(this, { key, find });
    this.watch();
  }

  /** Watches the row anew, so that it is noticed where it is in sight already. */
  watch() {
    sight.unobserve(this.row);
    sight.observe(this.row);
  }

  async fill() {
    const { key, find } = this;
    if (!find) return;
    this.find = null;
    try {
      const files = await find();
      // There may be others by now.
      if (key === this.key) this.draw(files);
    } catch (error) {
      again(error, () => key === this.key, () => { this.find = find; this.watch(); });
    }
  }

  /** Keeps nothing of them: the row is gone. */
  putAway() {
    this.key = null;
    this.find = null;
    sight.unobserve(this.row);
    this.empty();
  }

  /** Says what they are files of: in words, and in the names of those that are saved. */
  name(label, fileName) {
    Object.assign(this, { label, fileName });
    for (const button of this.element.querySelectorAll("[data-name]")) this.nameFile(button);
  }

  /** Shows these files; of many only the first ones. */
  draw(files, max = FILES) {
    this.empty();
    this.element.replaceChildren(...files.slice(0, max).map((file) => this.button(file)));
    if (files.length <= max) return;
    const more = element("button", { type: "button" }, `Show all ${files.length} files`);
    more.addEventListener("click", () => {
      this.draw(files, files.length);
      this.element.children[max].focus();
    });
    this.element.append(more);
  }

  empty() {
    this.urls.forEach((url) => URL.revokeObjectURL(url));
    this.urls = [];
    this.element.replaceChildren();
  }

  /** A file: a small picture that opens a large one, or a button to play or save it. */
  button(file) {
    const button = element("button", { type: "button", "data-name": file.name });
    const name = () => `${this.fileName} ${file.name}`.replaceAll(/[\\/:*?"<>|]/g, "-");
    const look = () => this.viewer.open(file, `${this.label}: ${file.name}`, name());
    const save = () => download(file, name());
    if (isShown(file)) {
      const image = element("img", { class: "thumb", alt: "" });
      button.append(image);
      this.thumbnail(file, image);
    } else {
      button.append(`${isPlayed(file) ? "Play" : "Save"} ${file.name}`);
    }
    button.addEventListener("click", () => this.onAct(isShown(file) || isPlayed(file) ? look : save));
    this.nameFile(button);
    return button;
  }

  nameFile(button) {
    const image = button.querySelector("img");
    if (image) image.alt = `${this.label}: ${button.dataset.name}`;
    button.title = button.dataset.name;
  }

  async thumbnail(file, image) {
    try {
      const url = await objectUrl(file.url);
      if (!image.isConnected) return URL.revokeObjectURL(url);
      this.urls.push(url);
      image.src = url;
    } catch (error) {
      if (!mayPass(error)) image.classList.add("none");
      again(error, () => image.isConnected, () => this.thumbnail(file, image));
    }
  }
}
