// The page: the list of renders, submitting a product, and the selected render.

import { JobView } from "./job.js";
import { get, key, objectUrl, Problem, send } from "./service.js";
import { element, fileOf, nameOf, show, when } from "./text.js";

const POLL_MS = 2000;
const PAGE = 30;
const byId = (id) => document.getElementById(id);

const rows = new Map();
const thumbs = new Map();
let limit = PAGE;
let chosen = "";
let file = null;

const view = new JobView({
  onChange: (job) => rows.has(job.id) && drawRow(job),
  onGone: () => { location.hash = ""; refresh(); },
  onProblem: complain,
});

function explain(error) {
  if (!(error instanceof Problem)) return "The service cannot be reached. Check that it is running; this page tries again every few seconds.";
  if (error.status === 401) return "This service needs an API key: enter it above. To create one, run on the service's machine: packshot admin create-key";
  // A single finding is the message itself.
  // What programs do that send requests themselves is not for a person.
  const isForPeople = error.help && !/GET |POST |PATCH |Retry-After|ETag|`errors?`|`Allow`|\/docs\//.test(error.help);
  const way = isForPeople && `${error.help[0].toUpperCase()}${error.help.slice(1)}.`;
  return [error.message, ...(error.findings.length > 1 ? error.findings : []), ...(way ? [way] : [])].join("\n");
}

function complain(error) {
  const text = explain(error);
  byId("notice").textContent = text;
  show("notice", true);
  if (error.status === 401) show("key-form", true);
}

function connected(isReady, word) {
  const dot = byId("connection");
  if (dot.textContent !== word) dot.textContent = word;
  dot.className = `dot ${isReady ? "ready" : "away"}`;
}

// The list

async function refresh() {
  try {
    const state = byId("filter").value;
    const page = await get(`api/v1/renders?limit=${limit}${state ? `&state=${state}` : ""}`);
    connected(true, "connected");
    show("key-form", false);
    drawList(page, state);
    if (!byId("notice").dataset.sticky) show("notice", false);
  } catch (error) {
    connected(false, error.status === 401 ? "key needed" : "not connected");
    if (error instanceof Problem) complain(error);
  }
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
  row.firstElementChild.setAttribute("aria-current", String(job.id === chosen));
  if (job.result) thumbnail(job, image);
  return row;
}

async function thumbnail(job, image) {
  if (thumbs.has(job.id)) return;
  thumbs.set(job.id, "");
  try {
    thumbs.set(job.id, await objectUrl(job.links.preview));
    image.src = thumbs.get(job.id);
  } catch { /* its files may have expired */ }
}

// The selected render

function choose() {
  chosen = location.hash.slice(1);
  for (const [id, row] of rows) row.firstElementChild.setAttribute("aria-current", String(id === chosen));
  if (chosen) view.open(encodeURIComponent(chosen));
  else view.close();
}

// Submitting

function take(candidate) {
  if (!candidate) return;
  file = candidate;
  byId("drop-title").textContent = file.name;
  byId("drop-note").textContent = "or choose another file";
  byId("render").disabled = false;
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
  button.textContent = "Sending …";
  byId("notice").dataset.sticky = "";
  show("notice", false);
  try {
    const job = await (await send("api/v1/renders", { method: "POST", body })).json();
    await refresh();
    location.hash = job.id;
  } catch (error) {
    byId("notice").dataset.sticky = "yes";
    complain(error);
  } finally {
    button.textContent = "Render";
    button.disabled = false;
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
byId("file").addEventListener("change", (event) => take(event.target.files[0]));
byId("filter").addEventListener("change", refresh);
byId("more").addEventListener("click", () => { limit = Math.min(limit + PAGE, 200); refresh(); });
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  key.set(byId("key").value.trim());
  show("notice", false);
  start();
});
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => { event.preventDefault(); document.body.classList.add("dragging"); });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dragging"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  take(event.dataTransfer.files[0]);
});
window.addEventListener("hashchange", choose);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

async function start() {
  await Promise.all([refresh(), showDevice()]);
  choose();
}

setInterval(() => { if (!document.hidden) refresh(); }, POLL_MS);
start();
