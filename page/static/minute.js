// The last minute's requests as a waterfall.

import { byId, keep, make, now, plural, put, short } from "./dom.js";

const WAIT_SECONDS = 0.25; // a pause between two requests longer than this is a wait
const GRID_SECONDS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50];
const MOST_LINES = 3;
const SHOWN_ITEMS = 8;

const list = byId("requests");
let latest = null;

const colour = (status) => (status >= 200 && status < 300 ? "good" : status === 429 ? "slow" : status === 404 || status === 424 ? "odd" : "bad");

/** The rows of the waterfall: requests with what is inside them, and the waits in between. Times in seconds. */
function rows(tick, running, until) {
  const found = [];
  let end = 0;
  tick.requests.forEach((request, index) => {
    if (request.at - end > WAIT_SECONDS && index) found.push({ kind: "wait", key: `wait ${index}`, at: end, seconds: request.at - end });
    found.push({ kind: "request", key: `request ${index}`, ...request });
    request.items.slice(0, SHOWN_ITEMS).forEach((item, number) => {
      found.push({ kind: "item", key: `item ${index} ${number}`, at: request.at, seconds: request.seconds, ...item });
    });
    const more = request.items.length - SHOWN_ITEMS;
    if (more > 0) found.push({ kind: "more", key: `more ${index}`, what: `and ${more} more`, at: request.at, seconds: request.seconds });
    end = Math.max(end, request.at + request.seconds);
  });
  if (running && until - end > WAIT_SECONDS && tick.requests.length) found.push({ kind: "wait", key: "wait now", at: end, seconds: until - end });
  return found;
}

function create(row) {
  return make("li", { className: row.kind, "data-service": row.service ?? "" }, make("span", { className: "what" }), make("span", { className: "track", "aria-hidden": "true" }, make("i")), make("span", { className: "status" }));
}

function update(element, row, span) {
  const [what, track, status] = element.children;
  const [method, ...path] = (row.what ?? "").split(" ");
  const shown = row.kind === "wait" ? `waits ${short(row.seconds)}` : row.what;
  if (what.dataset.shown !== shown) {
    what.dataset.shown = shown;
    what.title = shown;
    what.replaceChildren(...(row.kind === "wait" || row.kind === "more" ? [shown] : [make("b", { textContent: method }), ` ${path.join(" ")}`]));
  }
  const bar = track.firstElementChild;
  bar.style.left = `${(100 * row.at) / span}%`;
  bar.style.width = `${(100 * Math.min(row.seconds, span - row.at)) / span}%`;
  put(status, row.status === undefined ? "" : String(row.status || "lost"));
  element.dataset.status = row.status === undefined ? "none" : colour(row.status);
}

export function showMinute({ tick, running, violations }) {
  latest = { tick, running, violations };
  const sum = byId("minute-sum");
  if (!tick) {
    put(sum, "none yet");
    return;
  }
  const elapsed = running ? Math.max(0, now() - tick.start) : (tick.seconds ?? 0);
  const found = rows(tick, running, elapsed);
  const span = Math.max(0.5, elapsed, ...found.map((row) => row.at + row.seconds));
  drawAxis(span);
  const atEnd = list.scrollTop + list.clientHeight > list.scrollHeight - 30;
  keep(list, found, (row) => row.key, create, (element, row) => update(element, row, span));
  if (running && atEnd) list.scrollTop = list.scrollHeight;
  const inside = tick.requests.reduce((count, request) => count + request.items.length, 0);
  const parts = [`${plural(tick.requests.length, "subrequest")}${inside ? `, ${inside} inside` : ""}`, short(elapsed)];
  if (violations.length) parts.push(`${plural(violations.length, "request")} no client should send`);
  put(sum, parts.join(" · "));
}

/** While a minute runs, its bars grow. */
export function growMinute() {
  if (latest?.running) showMinute(latest);
}

function drawAxis(span) {
  const step = GRID_SECONDS.find((seconds) => span / seconds <= MOST_LINES) ?? span;
  list.style.setProperty("--grid", `${(100 * step) / span}%`);
  const marks = [];
  for (let number = 0; number * step < span * 0.85; number++) marks.push({ at: number * step, text: `${+(number * step).toFixed(1)} s` });
  keep(byId("axis"), marks, ({ text }) => text, ({ text }) => make("i", { textContent: text }), (mark, { at }) => (mark.style.left = `${(100 * at) / span}%`));
}
