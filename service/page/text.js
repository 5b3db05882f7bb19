// Words and numbers for people, and elements made of them. Text from the service is only ever set as text.

const TERMINAL = ["completed", "failed", "cancelled"];
const PASSING = ["device_lost", "stalled", "storage_full", "unavailable", "worker_disk", "worker_hung", "worker_lost", "worker_panicked"];

export const isTerminal = (job) => TERMINAL.includes(job?.state);

/** Name of a job: the one in its metadata, else that of its file, else its kind and size. */
export function nameOf(job) {
  const name = job.metadata?.name;
  if (typeof name === "string" && name) return name;
  return job.input_name || `${job.kind} ${job.request.width} × ${job.request.height}`;
}

/** Name of a job's file, where the job has another name. */
export const fileOf = (job) => (job.input_name && job.input_name !== nameOf(job) ? job.input_name : "");

/** What to do about the error of a failed job. */
export function hintFor(code) {
  if (code === "preset.rule_broken") return "The files are kept: look at them, then change the request and render again.";
  if (code === "internal_error") return "This is a defect in Packshot. Please report it, with the service's log.";
  if (PASSING.includes(code)) return "The cause may be gone by now: see the log below, then choose Try again.";
  return "Trying again would give the same error: correct the file or the request and render again. The log below has more.";
}

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
    ["samples", result.samples_mean == null ? "" : `${result.samples_mean.toFixed(1)} per pixel`],
    ["noise", result.noise_reached == null ? "" : result.noise_reached.toPrecision(2)],
    ["unmapped parts", result.unmapped_parts || ""],
    ["from the cache", result.from_cache ? "yes" : ""],
  ];
  return pairs.filter(([, value]) => value).flatMap(([term, value]) => [element("dt", {}, term), element("dd", {}, String(value))]);
}
