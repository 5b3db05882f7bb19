// The page: the list of renders, submitting a product, and the selected render; beside it the other screens.

import * as account from "./account.js";
import { Bell } from "./bell.js";
import { Door } from "./door.js";
import { again, isAway } from "./http.js";
import { JobView } from "./job.js";
import { MediaView } from "./media.js";
import { forgetNames } from "./names.js";
import { NewsView } from "./news.js";
import { actBegins, complain, hush, say, serviceAnswers } from "./notice.js";
import { OrdersView } from "./orders.js";
import { Viewer } from "./pictures.js";
import { ReviewsView } from "./reviews.js";
import { title, turnTo } from "./screen.js";
import { get, objectUrl, send } from "./service.js";
import { SettingsView } from "./settings.js";
import { element, ENDED, explainWithCode, fileOf, isTerminal, nameOf, show, when } from "./text.js";
import { WorkflowsView } from "./workflows.js";

const POLL_MS = 2000;
const PAGE = 30;
// Refusals of one who may not do this.
const PERMISSION = ["forbidden", "insufficient_scope"];
const byId = (id) => document.getElementById(id);

const rows = new Map();
const thumbs = new Map();
// Renders whose end is read out.
const awaited = new Set();
let limit = PAGE;
let chosen = "";
let file = null;
let starting = null;
// Whether somebody has just come in by a form, which is gone with its focus.
let hasEntered = false;

const view = new JobView({ onChange: take, onGone: gone, onAct: actBegins, onProblem: (error) => trouble(error, "act") });

const viewer = new Viewer({ onAct: attempt });
const told = { onNamed: named, onAct: actBegins, onWork: attempt, onProblem: refused, onWords: (words) => say(words, "act"), viewer };
const orders = new OrdersView(told);
const workflows = new WorkflowsView(told);
const media = new MediaView(told);
const reviews = new ReviewsView(told);
const news = new NewsView(told);
const settings = new SettingsView(told);

// What can be looked at: the permission that it needs, the way to it, what has the focus when somebody has come in, the
// words that addresses begin with, and how it shows what an address names. Renders are what is left.
const SCREENS = [
  { id: "work", needs: "read_renders", way: "to-renders", first: "file", words: [] },
  { id: "orders", needs: "read_orders", way: "to-orders", first: "orders-title", words: ["orders"], view: orders, open: (_, id) => orders.choose(id) },
  { id: "workflows", needs: "read_workflows", way: "to-workflows", first: "workflows-title", words: ["workflows"], view: workflows, open: (_, first, second) => workflows.open(first, second) },
  { id: "media", needs: "read_media", way: "to-media", first: "media-q", words: ["media"], view: media, open: () => media.open() },
  { id: "reviews", needs: "read_reviews", way: "to-reviews", first: "reviews-title", words: ["reviews"], view: reviews, open: (_, id) => reviews.choose(id) },
  { id: "news", needs: "own_notifications", way: "bell", first: "news-title", words: ["notifications", "activity", "alerts"], view: news, open: (word) => news.open(word) },
  { id: "settings", needs: "own_notifications", way: "to-settings", first: "settings-title", words: ["settings"], view: settings, open: () => settings.open() },
];

const bell = new Bell({ onNews: () => { if (isOf("news")) refresh(); } });

const door = new Door({
  onAsk: putAway,
  // What was begun for whoever was here before ends first: it shows a screen, and gives nothing on it the focus.
  onEnter: () => { hasEntered = true; Promise.resolve(starting).finally(start); },
  onLeave: () => { putBack(); history.replaceState(null, "", location.pathname); chosen = ""; },
});

/** Something went wrong, in what the user did (`act`) or in what the page does by itself (`service`). */
function trouble(error, cause, explained) {
  if (door.takes(error)) return;
  if (cause === "service" || isAway(error)) connected(false, "not connected");
  complain(error, cause, explained);
}

/** The same in what the user did with an order or a workflow. */
function refused(error) {
  trouble(error, "act", explainWithCode(error));
  // What this user may do has changed.
  if (PERMISSION.includes(error.code) && !door.isAsking) start();
}

/** Does what the user has begun. */
async function attempt(work) {
  actBegins();
  try {
    await work();
  } catch (error) {
    refused(error);
  }
}

/** Removes what the last user saw: it is not for the next one. */
function putAway() {
  hush();
  view.close();
  bell.close();
  for (const { view: other } of SCREENS) other?.putAway();
  forgetNames();
  drawList({ items: [] }, "");
  for (const url of thumbs.values()) URL.revokeObjectURL(url);
  thumbs.clear();
  awaited.clear();
  byId("device").textContent = "";
  byId("announcement").textContent = "";
}

function connected(isReady, word) {
  const dot = byId("connection");
  if (dot.textContent !== word) dot.textContent = word;
  dot.className = `dot ${isReady ? "ready" : "away"}`;
  show("connection", true);
}

// Beginning

/** Begins with who is asking, and what they may do. When that cannot be known, the next poll tries again. */
function start() {
  starting ??= begin().finally(() => { starting = null; });
  return starting;
}

async function begin() {
  try {
    await account.load();
  } catch (error) {
    return trouble(error, "service");
  }
  if (door.isAsking) return;
  if (account.needsPassword()) return door.ask("password");
  show("submit", account.may("trigger_renders"));
  show("list", account.may("read_renders"));
  byId("refusal").textContent = account.refusal();
  show("refusal", Boolean(account.refusal()));
  byId("work").classList.toggle("refused", !account.may("read_renders"));
  if (!account.may("read_renders")) view.close();
  showScreen();
  bell.open();
  named();
  if (hasEntered) byId(isOf("work") && account.refusal() ? "refusal" : looked().first).focus();
  hasEntered = false;
  connected(true, "connected");
  serviceAnswers();
  if (!seen().length) return;
  await Promise.all([refresh(), account.may("read_renders") && showDevice()]);
  if (!door.isAsking) choose();
}

// Screens

/** The screen that the address names. */
const addressed = () => {
  const [word] = location.hash.slice(1).split("/");
  return (SCREENS.find(({ words }) => words.includes(word)) || SCREENS[0]).id;
};

/** What this user may look at. */
const seen = () => SCREENS.filter(({ needs }) => account.may(needs));

/** What is looked at: what the address names, or else the first that this user may see. */
const looked = () => seen().find(({ id }) => id === addressed()) || seen()[0] || SCREENS[0];

const isOf = (screen) => looked().id === screen;

/** Shows what is looked at, and the way to everything else. */
function showScreen() {
  const here = looked();
  turnTo(here.id);
  for (const screen of SCREENS) {
    show(screen.way, account.may(screen.needs));
    if (screen === here) byId(screen.way).setAttribute("aria-current", "page");
    else byId(screen.way).removeAttribute("aria-current");
  }
}

// The list

async function refresh() {
  if (door.isAsking) return;
  // Who may see nothing now may be allowed to later.
  if (!seen().length) { await start(); return; }
  try {
    await (looked().view ? looked().view.refresh() : list());
    if (door.isAsking) return;
    connected(true, "connected");
    serviceAnswers();
  } catch (error) {
    if (door.isAsking) return;
    trouble(error, "service");
    // What this user may do has changed.
    if (PERMISSION.includes(error.code) && !door.isAsking) account.clear();
  }
}

async function list() {
  const state = byId("filter").value;
  const page = await get(`api/v1/renders?limit=${limit}${state ? `&state=${state}` : ""}`);
  if (!door.isAsking) drawList(page, state);
}

function drawList({ items, next_cursor: next }, state) {
  const ids = new Set(items.map((job) => job.id));
  for (const [id, row] of rows) {
    if (!ids.has(id)) { row.remove(); rows.delete(id); }
  }
  items.forEach((job, place) => {
    const row = drawRow(job);
    const list = byId("jobs");
    if (list.children[place] !== row) list.insertBefore(row, list.children[place] || null);
  });
  byId("empty").textContent = state ? `No render is ${state}.` : "Nothing has been rendered yet.";
  show("empty", items.length === 0);
  show("more", Boolean(next) && limit < 200);
}

function drawRow(job) {
  let row = rows.get(job.id);
  if (!row) {
    const button = element("button", { type: "button" }, element("img", { class: "thumb", alt: "" }), element("span"), element("span"));
    button.addEventListener("click", () => { location.hash = job.id; });
    row = element("li", { "data-id": job.id }, button);
    rows.set(job.id, row);
  }
  const [image, words, state] = row.firstElementChild.children;
  const detail = job.state === "running" ? `${Math.round(job.progress_pct || 0)} %` : when(job.created_at);
  const more = [detail, fileOf(job)].filter(Boolean).join(", ");
  words.replaceChildren(element("strong", { title: nameOf(job) }, nameOf(job)), element("span", { class: "quiet", title: more }, more));
  state.textContent = job.state;
  state.className = `state ${job.state}`;
  image.classList.toggle("none", isTerminal(job) && !job.result);
  row.firstElementChild.setAttribute("aria-current", String(job.id === chosen));
  if (job.result) thumbnail(job, image);
  readOut(job);
  return row;
}

async function thumbnail(job, image) {
  if (thumbs.has(job.id)) return;
  thumbs.set(job.id, "");
  try {
    thumbs.set(job.id, await objectUrl(job.links.preview));
    image.src = thumbs.get(job.id);
  } catch (error) {
    // Its files may have expired.
    again(error, () => image.isConnected, () => { thumbs.delete(job.id); thumbnail(job, image); });
  }
}

function awaits(id) {
  if (awaited.has(id)) return;
  awaited.add(id);
  // The same words for the next one would not be read out again.
  byId("announcement").textContent = "";
}

/** Says once how a render has ended that this user waits for. */
function readOut(job) {
  if (!isTerminal(job)) {
    if (job.id === chosen) awaits(job.id);
    return;
  }
  if (!awaited.delete(job.id)) return;
  byId("announcement").textContent = `${nameOf(job)} ${ENDED[job.state]}.`;
}

// The selected render

/** A new state of the selected render. */
function take(job) {
  if (rows.has(job.id)) drawRow(job);
  else readOut(job);
  named();
}

/** Shows what the address names: a render, the list of them, or something on another screen. */
function choose() {
  if (door.isAsking || !seen().length) return;
  showScreen();
  const here = looked();
  const isNamed = isOf(addressed());
  const [word = "", ...parts] = isNamed ? location.hash.slice(1).split("/").map(encodeURIComponent) : [];
  for (const screen of SCREENS) if (screen !== here) screen.view?.close();
  if (here.view) {
    here.open(word, ...["", ""].map((none, at) => parts[at] || none));
    chosen = "";
    view.close();
    refresh();
    return;
  }
  chosen = isNamed ? location.hash.slice(1) : "";
  actBegins();
  for (const [id, row] of rows) row.firstElementChild.setAttribute("aria-current", String(id === chosen));
  if (chosen) view.open(encodeURIComponent(chosen));
  else view.close();
  named();
}

/** Names the window after what is selected. */
function named() {
  if (door.isAsking) return;
  const other = looked().view;
  title(other ? other.title : view.job ? nameOf(view.job) : "Renders");
}

/** After a render was deleted, its neighbour in the list is next. */
async function gone(id) {
  const row = rows.get(id);
  const next = row?.nextElementSibling || row?.previousElementSibling;
  (next?.firstElementChild || byId("jobs").querySelector("button") || byId("list-title")).focus();
  location.hash = "";
  await refresh();
}

// Submitting

/** Takes a file for the next render. */
function pick(candidate) {
  if (!candidate || !account.may("trigger_renders")) return;
  file = candidate;
  byId("drop-title").textContent = file.name;
  byId("drop-note").textContent = "or choose another file";
  byId("render").disabled = false;
}

/** Puts the file and the fields back as they were at first. */
function putBack() {
  file = null;
  byId("submit").reset();
  byId("drop-title").textContent = "Drop a GLB here";
  byId("drop-note").textContent = "or choose a file";
  byId("render").disabled = true;
}

async function submit(event) {
  event.preventDefault();
  const fields = new FormData(event.target);
  const request = {};
  for (const name of ["width", "height", "samples"]) request[name] = Number(fields.get(name));
  for (const name of ["view", "light", "background"]) request[name] = fields.get(name);
  const body = new FormData();
  body.append("request", new Blob([JSON.stringify(request)], { type: "application/json" }));
  body.append("glb", file, file.name);
  const button = byId("render");
  button.disabled = true;
  button.textContent = "Sending…";
  actBegins();
  try {
    const job = await (await send("api/v1/renders", { method: "POST", body })).json();
    awaits(job.id);
    await refresh();
    location.hash = job.id;
  } catch (error) {
    trouble(error, "act");
  } finally {
    button.textContent = "Render";
    button.disabled = !file;
    // A button loses the focus when it is disabled.
    if (document.activeElement === document.body) button.focus();
  }
}

async function showDevice() {
  try {
    const { items } = await get("api/v1/devices");
    const device = items.find((item) => item.selected);
    byId("device").textContent = device ? device.name : "";
  } catch { /* the list shows what is wrong */ }
}

byId("submit").addEventListener("submit", submit);
byId("file").addEventListener("change", (event) => pick(event.target.files[0]));
byId("filter").addEventListener("change", refresh);
byId("more").addEventListener("click", () => { limit = Math.min(limit + PAGE, 200); refresh(); });
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => { event.preventDefault(); document.body.classList.add("dragging"); });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dragging"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  pick(event.dataTransfer.files[0]);
});
window.addEventListener("hashchange", choose);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

setInterval(() => { if (!document.hidden) refresh(); }, POLL_MS);
turnTo("waiting");
start();
