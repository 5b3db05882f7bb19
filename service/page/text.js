// Words and numbers for people, and elements made of them. Text from the service is only ever set as text.

import { isAway } from "./http.js";

const TERMINAL = ["completed", "failed", "cancelled"];
const PASSING = ["device_lost", "stalled", "storage_full", "unavailable", "worker_disk", "worker_hung", "worker_lost", "worker_panicked"];

/** How something has ended, after its name. */
export const ENDED = { completed: "is complete", failed: "has failed", cancelled: "was cancelled" };

export const isTerminal = (job) => TERMINAL.includes(job?.state);

/** Name of a job: the one in its metadata, else that of its file, else its kind and size. */
export function nameOf(job) {
  const name = job.metadata?.name;
  if (typeof name === "string" && name) return name;
  return job.input_name || `${job.kind} ${job.request.width} × ${job.request.height}`;
}

/** Name of a job's file, where the job has another name. */
export const fileOf = (job) => (job.input_name && job.input_name !== nameOf(job) ? job.input_name : "");

/** Names for the files of a job's result: after the file of the product, where it has a name. */
export function downloadName(job, file) {
  const stem = (job.input_name || "").replace(/\.(glb|gltf)$/i, "");
  if (!stem) return file.name;
  const ending = (name) => name.slice(name.lastIndexOf("."));
  const isOnly = job.result.files.filter((other) => ending(other.name) === ending(file.name)).length === 1;
  return isOnly ? stem + ending(file.name) : `${stem}-${file.name}`;
}

/** Whether a job that failed can succeed when it is tried again as it is. */
export const isPassing = (error) => PASSING.includes(error?.code);

/** What a failed job says of its error: what went wrong, and what to do about it. */
export function explainFailure(error) {
  return `${sentence(`${error.detail} (${error.code})`)}\n${error.help ? sentence(error.help) : hintFor(error)}`;
}

function hintFor(error) {
  if (error.code === "preset.rule_broken") return "The files are kept: look at them, then change the request and render again.";
  if (error.code === "internal_error") return "This is a defect in Packshot. Please report it, with the service's log.";
  if (isPassing(error)) return "The cause may be gone by now: see the log below, then choose Try again.";
  return "Trying again would give the same error: correct the file or the request and render again. The log below has more.";
}

export const AWAY = "The service does not answer.";

/** What went wrong with a request, and what to do about it. */
export function explain(error) {
  if (isAway(error)) return `${AWAY} Try again in a moment.`;
  const { errors } = error;
  // A single finding is the message itself, and where it is in the request tells people nothing.
  if (errors.length === 1) return [told(errors[0]) || sentence(error.message), ...wayOut(error)].join("\n");
  const findings = errors.map((finding) => [nameIn(finding.pointer), told(finding)].filter(Boolean).join(": "));
  return [sentence(error.message), ...findings, ...wayOut(error)].join("\n");
}

/** The same with the code of the error, for those who look it up. */
export function explainWithCode(error) {
  const [first, ...others] = explain(error).split("\n");
  return [error.code ? `${first.replace(/\.$/, "")} (${error.code}).` : first, ...others].join("\n");
}

/** What a finding says. One that names what was expected asks for it. */
const told = ({ detail }) => sentence((detail || "").replace(/^expected (?=an? )/, "enter "));

/** The field that a pointer names, as people would call it. */
const nameIn = (pointer) => sentence((pointer || "").split("/").pop().replaceAll("_", " "), "");

/** Words of the service as a sentence. Names in code at the beginning stay as they are. */
export function sentence(words, end = ".") {
  const text = words.trim().replace(/`([^`]*)`/g, "“$1”");
  const begun = /^\p{Ll}+(?![\p{L}\d_./=])/u.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
  return !begun || /[.!?…]$/.test(begun) ? begun : begun + end;
}

/** The same for words of several lines. */
export const sentences = (words) => words.split("\n").map((line) => sentence(line)).join("\n");

/** How long to wait before the next attempt; empty where the service does not say. */
export const whenAgain = ({ retryAfter }) => (retryAfter ? `Try again in ${waiting(retryAfter)}.` : "");

function wayOut(error) {
  const { status, help } = error;
  if (status === 429) return [whenAgain(error)].filter(Boolean);
  // Advice for programs that send requests themselves, and for those who run the service, is not for people here.
  const isForPeople = help && !/GET |POST |PUT |PATCH |Retry-After|ETag|Authorization|packshot |`errors?`|`Allow`|\/docs\//.test(help);
  return isForPeople ? [sentence(help)] : [];
}

const counted = (n, unit) => `${n} ${unit}${n === 1 ? "" : "s"}`;
const waiting = (value) => (value < 100 ? counted(value, "second") : counted(Math.ceil(value / 60), "minute"));

export function seconds(value) {
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 60) return `${value.toFixed(value < 10 ? 1 : 0)} s`;
  return `${Math.floor(value / 60)}:${String(Math.floor(value % 60)).padStart(2, "0")} min`;
}

export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit += 1) value /= 1024;
  return `${unit ? value.toFixed(1) : value} ${units[unit]}`;
}

export function when(time) {
  const date = new Date(time);
  const today = new Date().toDateString() === date.toDateString();
  return today ? date.toLocaleTimeString() : date.toLocaleString();
}

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Sets the text of an element, unless it has it already: what a user has marked in it stays. */
export function put(id, text) {
  const place = document.getElementById(id);
  if (place.textContent !== text) place.textContent = text;
}

export function show(id, shown) {
  document.getElementById(id).hidden = !shown;
}

/** Pairs of a term and its value: the facts about a job. */
export function facts(job) {
  const between = (a, b) => (a && b ? seconds((new Date(b) - new Date(a)) / 1000) : "");
  const result = job.result || {};
  const device = typeof job.device === "string" ? job.device : job.device?.name;
  const pairs = [
    ["created", when(job.created_at)],
    ["waited", between(job.created_at, job.started_at)],
    ["took", between(job.started_at, job.completed_at)],
    ["device", device],
    ["samples", result.samples_mean == null ? "" : `${Number(result.samples_mean.toFixed(1))} per pixel`],
    ["noise", result.noise_reached == null ? "" : result.noise_reached.toPrecision(2)],
    ["unmapped parts", result.unmapped_parts || ""],
    ["from the cache", result.from_cache ? "yes" : ""],
  ];
  return pairs.filter(([, value]) => value).flatMap(([term, value]) => [element("dt", {}, term), element("dd", {}, String(value))]);
}
