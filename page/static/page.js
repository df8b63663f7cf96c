// Shows the simulation as /events tells it, and asks for what somebody does. The whole state comes at every change; what stays
// the same keeps its element, so that the focus stays where it is and what moves can be seen moving.

const LEVELS = ["high", "medium", "low"];
const STATES = {
  none: "no risk",
  atRisk: "at risk",
  confirmedCompromised: "confirmed compromised",
  dismissed: "risk dismissed",
  remediated: "remediated",
  confirmedSafe: "confirmed safe",
};
const ACTIONS = [
  ["raise", "Raise"],
  ["confirm", "Confirm"],
  ["dismiss", "Dismiss"],
  ["delete", "Delete"],
];
const WAIT_SECONDS = 0.25; // a pause between two requests longer than this is a wait
const GRID_SECONDS = [0.2, 1, 5, 10];
const SHOWN_ITEMS = 8;
const MOST_MOVES = 60; // more moves at once are unrest

const byId = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const clockFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

let state;
let ahead = 0; // of the tenant's clock, in milliseconds
let watching = false; // for longer than this state
let opened = null; // the user whose actions are shown

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("data-") || name.startsWith("aria-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
const initials = (name) => name.split(" ").slice(0, 2).map((word) => word[0]).join("");
const now = () => Date.now() + ahead;

/** Make a list's children those of `items`, in order, keeping the elements that stay. */
function keep(list, items, key, create, update) {
  const old = new Map([...list.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, index) => {
    const name = key(item);
    let child = old.get(name);
    old.delete(name);
    if (!child) {
      child = create(item);
      child.dataset.key = name;
    }
    if (list.children[index] !== child) list.insertBefore(child, list.children[index] ?? null);
    update(child, item);
  });
  for (const child of old.values()) child.remove();
}

// --- asking ---

async function post(path) {
  const answer = await fetch(path, { method: "POST" }).catch(() => null);
  if (answer && !answer.ok && answer.status !== 409) say("That did not work.");
}

function say(sentence) {
  byId("said").textContent = sentence;
}

byId("tick").addEventListener("click", () => {
  if (!state?.running) post("/api/tick");
});
byId("cron").addEventListener("change", (event) => flip(event.target, "/api/cron"));
byId("find").addEventListener("input", () => state && showUsers());
byId("add").addEventListener("click", async () => {
  byId("find").value = "";
  await post("/api/users");
  scrollToLast = true;
});
let scrollToLast = false;

// --- users ---

function createUser(user) {
  const id = `user-${user.id}`;
  const button = make(
    "button",
    { type: "button", className: "person", "aria-expanded": "false", "aria-controls": id },
    make("span", { className: "face", "aria-hidden": "true", textContent: initials(user.name) }),
    make("span", { className: "who" }, make("span", { className: "name", textContent: user.name }), make("span", { className: "state" })),
    make("span", { className: "level" }),
  );
  button.addEventListener("click", () => {
    opened = opened === user.id ? null : user.id;
    showUsers();
  });
  const actions = make("div", { id, className: "actions", hidden: true });
  for (const [action, word] of ACTIONS) {
    const act = make("button", { type: "button", "data-action": action, "aria-label": `${word} ${user.name}`, textContent: word });
    act.addEventListener("click", () => {
      if (action === "delete") moveFocusFrom(button.parentElement);
      post(`/api/users/${user.id}/${action}`);
    });
    actions.append(act);
  }
  return make("li", {}, button, actions);
}

function updateUser(row, user) {
  const open = opened === user.id;
  const [button, actions] = row.children;
  row.dataset.level = user.level;
  row.classList.toggle("open", open);
  button.setAttribute("aria-expanded", String(open));
  button.querySelector(".state").textContent = STATES[user.state] ?? user.state;
  button.querySelector(".level").textContent = user.level === "none" ? "" : user.level;
  actions.hidden = !open;
}

function moveFocusFrom(row) {
  const next = row.nextElementSibling ?? row.previousElementSibling;
  (next?.querySelector(".person") ?? byId("find")).focus();
}

function showUsers() {
  const wanted = byId("find").value.trim().toLowerCase();
  const users = state.users.filter((user) => user.name.toLowerCase().includes(wanted));
  keep(byId("users"), users, (user) => user.id, createUser, updateUser);
  byId("nobody").hidden = users.length > 0;
  if (scrollToLast) {
    scrollToLast = false;
    byId("users").lastElementChild?.querySelector(".person").focus();
  }
}

// --- groups ---

function createColumn(group) {
  return make(
    "section",
    { className: "group", "data-level": group.level, "aria-label": `Group ${group.level}` },
    make("h3", {}, make("span", { className: "word", textContent: group.level }), make("span", { className: "count" })),
    make("p", { className: "group-name", textContent: group.name, title: group.name }),
    make("ul", { className: "scroll members", tabIndex: 0, "aria-label": `Members of the group ${group.level}` }),
    make("p", { className: "hint empty" }),
  );
}

function updateColumn(column, group) {
  const names = new Map(state.users.map((user) => [user.id, user.name]));
  const members = group.members.filter((id) => names.has(id)).reverse(); // the latest first
  const joinedIn = watching ? state.tick?.number : "before"; // the page was opened
  column.querySelector(".count").textContent = members.length;
  const empty = column.querySelector(".empty");
  empty.textContent = group.exists ? "Nobody" : "Does not exist yet: the Worker creates it";
  empty.hidden = members.length > 0;
  keep(
    column.querySelector(".members"),
    members,
    (id) => id,
    (id) => make("li", { "data-level": group.level, "data-tick": joinedIn }, make("span", { className: "face", "aria-hidden": "true", textContent: initials(names.get(id)) }), names.get(id)),
    (chip) => chip.classList.toggle("new", chip.dataset.tick === String(state.tick?.number)),
  );
}

function showGroups() {
  keep(byId("columns"), state.groups, (group) => group.level, createColumn, updateColumn);
}

/** How far the groups are from the risky users: what the next tick has to do. */
function showStep() {
  let joins = 0;
  let leaves = 0;
  for (const group of state.groups) {
    const risky = new Set(state.users.filter((user) => user.level === group.level).map((user) => user.id));
    const members = new Set(group.members);
    joins += [...risky].filter((id) => !members.has(id)).length;
    leaves += [...members].filter((id) => !risky.has(id)).length;
  }
  const parts = [joins && `${joins} to join`, leaves && `${leaves} to leave`].filter(Boolean);
  const step = byId("step");
  step.dataset.inStep = String(parts.length === 0);
  step.textContent = parts.length ? parts.join(" and ") : "The groups hold exactly the risky users";
}

// --- switches ---

const flipping = new Set(); // switches whose new position is on its way: a state from before must not turn them back

async function flip(input, path) {
  flipping.add(input);
  await post(`${path}/${input.checked ? "on" : "off"}`);
  await new Promise((resolve) => setTimeout(resolve, 200));
  flipping.delete(input);
  showSwitches();
}

function turn(input, on) {
  if (!flipping.has(input)) input.checked = on;
}

function createFault({ name, title, explanation }) {
  const id = `fault-${name.replaceAll(" ", "-")}`;
  const input = make("input", { type: "checkbox", "aria-describedby": id });
  input.setAttribute("role", "switch");
  input.addEventListener("change", () => flip(input, `/api/faults/${encodeURIComponent(name)}`));
  return make("li", { title: explanation }, make("label", { className: "switch" }, input, make("span", { textContent: title })), make("small", { id, textContent: explanation }));
}

function showSwitches() {
  turn(byId("cron"), state.everyMinute);
  keep(byId("faults"), state.faults, (fault) => fault.name, createFault, (element, fault) => {
    turn(element.querySelector("input"), fault.on);
  });
}

// --- motion ---

const members = () => new Map([...document.querySelectorAll(".members > li")].map((chip) => [`${chip.dataset.level} ${chip.dataset.key}`, chip]));

function places() {
  return new Map([...members()].map(([key, chip]) => [key, { chip, box: chip.getBoundingClientRect(), pane: chip.parentElement.getBoundingClientRect() }]));
}

const seen = ({ box, pane }) => box.bottom > pane.top && box.top < pane.bottom;

/** Let chips slide from where they were; those that are new fly in from their user, or their old group; those that left fade. */
function move(before) {
  const after = places();
  const gone = [...before].filter(([key]) => !after.has(key));
  let left = MOST_MOVES;
  for (const [key, place] of after) {
    const old = before.get(key);
    if (old && (old.box.x !== place.box.x || old.box.y !== place.box.y) && seen(place)) {
      place.chip.animate([{ transform: `translate(${old.box.x - place.box.x}px, ${old.box.y - place.box.y}px)` }, { transform: "none" }], { duration: 350, easing: "ease-out" });
    }
    if (!old && seen(place) && left-- > 0) flyIn(place, origin(place.chip.dataset.key, before), MOST_MOVES - left);
  }
  for (const [, place] of gone) {
    if (seen(place) && left-- > 0) fadeOut(place);
  }
}

function origin(user, before) {
  for (const level of LEVELS) {
    const place = before.get(`${level} ${user}`);
    if (place && seen(place)) return place.box;
  }
  const row = byId("users").querySelector(`[data-key="${user}"]`);
  const place = row && { box: row.getBoundingClientRect(), pane: byId("users").getBoundingClientRect() };
  return place && seen(place) ? place.box : null;
}

function ghost({ chip, box }) {
  const copy = chip.cloneNode(true);
  copy.className = "ghost";
  copy.setAttribute("aria-hidden", "true");
  Object.assign(copy.style, { left: `${box.x}px`, top: `${box.y}px`, width: `${box.width}px`, height: `${box.height}px` });
  document.body.append(copy);
  return copy;
}

function flyIn(place, from, order) {
  const { chip, box } = place;
  const timing = { duration: from ? 650 : 350, delay: Math.min(order * 18, 400), easing: "cubic-bezier(.3,.7,.2,1)", fill: "backwards" };
  chip.animate([{ opacity: 0 }, { opacity: 0, offset: 0.95 }, { opacity: 1 }], { ...timing, easing: "linear" });
  const copy = ghost(place);
  const start = from ? `translate(${from.x - box.x}px, ${from.y - box.y}px)` : "scale(.8)";
  copy.animate([{ transform: start, opacity: from ? 0.4 : 0 }, { transform: "none", opacity: 1 }], timing).finished.finally(() => copy.remove());
}

function fadeOut(place) {
  const copy = ghost(place);
  copy.animate([{ opacity: 1 }, { opacity: 0, transform: "scale(.85)" }], { duration: 400, easing: "ease-in" }).finished.finally(() => copy.remove());
}

// --- the last minute's requests ---

const statusClass = (status) => (status >= 200 && status < 300 ? "good" : status === 429 ? "slow" : status === 404 || status === 424 ? "odd" : "bad");
const seconds = (value) => (value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`);

/** The rows of the waterfall: requests with what is inside them, and the waits in between. Times in seconds. */
function rows(tick, until) {
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
  if (state.running && until - end > WAIT_SECONDS && tick.requests.length) found.push({ kind: "wait", key: "wait now", at: end, seconds: until - end });
  return found;
}

function createRow(row) {
  return make("li", { className: row.kind }, make("span", { className: "what" }), make("span", { className: "track", "aria-hidden": "true" }, make("i")), make("span", { className: "status" }));
}

function showTick() {
  const tick = state.tick;
  const sum = byId("tick-sum");
  if (!tick) {
    sum.textContent = "none yet";
    return;
  }
  const elapsed = state.running ? Math.max(0, now() / 1000 - tick.start) : (tick.seconds ?? 0);
  const found = rows(tick, elapsed);
  const span = Math.max(0.5, elapsed, ...found.map((row) => row.at + row.seconds));
  const list = byId("requests");
  list.style.setProperty("--grid", `${(100 * (GRID_SECONDS.find((step) => span / step <= 10) ?? span)) / span}%`);
  const atEnd = list.scrollTop + list.clientHeight > list.scrollHeight - 30;
  keep(list, found, (row) => row.key, createRow, (element, row) => {
    const [what, track, status] = element.children;
    const [method, ...path] = (row.what ?? "").split(" ");
    const shown = row.kind === "wait" ? `waits ${seconds(row.seconds)}` : row.what;
    if (what.dataset.shown !== shown) {
      what.dataset.shown = shown;
      what.title = shown;
      what.replaceChildren(...(row.kind === "wait" || row.kind === "more" ? [shown] : [make("b", { textContent: method }), ` ${path.join(" ")}`]));
    }
    const bar = track.firstElementChild;
    bar.style.left = `${(100 * row.at) / span}%`;
    bar.style.width = `${(100 * Math.min(row.seconds, span - row.at)) / span}%`;
    status.textContent = row.status === undefined ? "" : row.status || "lost";
    element.dataset.status = row.status === undefined ? "none" : statusClass(row.status);
  });
  if (state.running && atEnd) list.scrollTop = list.scrollHeight;
  const inside = tick.requests.reduce((count, request) => count + request.items.length, 0);
  const parts = [`${plural(tick.requests.length, "subrequest")}${inside ? `, ${inside} inside` : ""}`, seconds(elapsed)];
  if (state.violations.length) parts.push(`${plural(state.violations.length, "request")} no client should send`);
  sum.textContent = parts.join(" · ");
}

// --- the console ---

function showConsole() {
  const pane = byId("console");
  const atEnd = pane.scrollTop + pane.clientHeight > pane.scrollHeight - 30;
  const count = pane.childElementCount;
  keep(pane, state.console, (entry) => String(entry.tick), (entry) => {
    let kind = "heading";
    const lines = entry.text.split("\n").map((line, index) => {
      if (index) kind = /^ {2}\((\w+)\)/.exec(line)?.[1] ?? (line.startsWith("PythonError") ? "error" : kind);
      return make("span", { className: `line ${kind}`, textContent: `${line}\n` });
    });
    return make("pre", {}, ...lines);
  }, () => {});
  if (!state.console.length && !pane.textContent) pane.append(make("p", { className: "hint", textContent: "Nothing yet: the Worker has just been deployed.", "data-key": "" }));
  if (atEnd || count < 2) pane.scrollTop = pane.scrollHeight;
}

// --- the clock ---

function showTime() {
  if (!state) return;
  const time = new Date(now());
  byId("clock").textContent = clockFormat.format(time);
  byId("clock").dateTime = time.toISOString();
  byId("dial").style.strokeDasharray = `${time.getSeconds() + 0.001} 60`;
  byId("worker").dataset.outcome = state.tick?.outcome ?? "";
  if (state.running) {
    byId("worker").textContent = `The Worker runs, ${seconds(Math.max(0, time / 1000 - state.tick.start))}`;
    showTick();
  } else {
    byId("worker").textContent = state.tick ? `Minute ${state.tick.number}: ${state.tick.outcome}` : "The Worker is idle";
  }
}

// --- all of it ---

function announce(before) {
  if (!before?.running || state.running) return;
  const counts = state.groups.map((group) => `${group.level} ${group.members.length}`).join(", ");
  say(`Minute ${state.tick.number}: ${state.tick.outcome}. ${counts}.`);
}

function show(next) {
  const before = state;
  const was = before && !calm.matches ? places() : null;
  state = next;
  ahead = next.now * 1000 - Date.now();
  byId("ended").hidden = true;
  byId("domain").textContent = next.domain;
  document.body.classList.toggle("running", next.running);
  byId("tick").setAttribute("aria-disabled", String(next.running));
  showSwitches();
  showUsers();
  showGroups();
  showStep();
  showTick();
  showConsole();
  showTime();
  announce(before);
  watching = true;
  if (was) move(was);
}

const events = new EventSource("/events");
events.addEventListener("message", (event) => show(JSON.parse(event.data)));
events.addEventListener("error", () => {
  byId("ended").hidden = false;
});
setInterval(showTime, 200);
