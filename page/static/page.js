// Shows the simulation as /events tells it, and asks for what somebody does. The whole state comes at every change; what stays
// the same keeps its element, so that the focus stays where it is and what moves can be seen moving.

import { showAlerts, showHeartbeat } from "./alerts.js";
import { showConsole } from "./console.js";
import { byId, clock, connect, now, plural, post, put, say, setClock, short, turn } from "./dom.js";
import { showFaults } from "./faults.js";
import { showCycle, showGroups, showPolicies } from "./groups.js";
import { growMinute, showMinute } from "./minute.js";
import { move, places } from "./motion.js";
import { showUsers, showWaits } from "./users.js";

const GOOD = ["in sync", "changed"];
const UNFINISHED = ["left over", "dry run", "skipped"];

let state;

/** How all is: whether the last minute failed, what the next one has to do, whose browsers are not as they should be. */
function showStep() {
  const step = byId("step");
  const [mood, text] = standing(state);
  step.dataset.mood = mood;
  put(step, text);
}

function standing({ users, groups, tick, running }) {
  const outcome = running ? null : tick?.outcome;
  if (outcome && !GOOD.includes(outcome) && !UNFINISHED.includes(outcome)) return ["bad", `Minute ${tick.number} failed: its error is in the console`];
  let joins = 0;
  let leaves = 0;
  for (const group of groups) {
    const risky = new Set(users.filter((user) => user.level === group.level).map((user) => user.id));
    const members = new Set(group.members);
    joins += [...risky].filter((id) => !members.has(id)).length;
    leaves += [...members].filter((id) => !risky.has(id)).length;
  }
  if (joins || leaves) return ["busy", [joins && `${joins} to join`, leaves && `${leaves} to leave`].filter(Boolean).join(" and ")];
  const waits = users.filter((user) => (user.level !== "none") !== user.isolated).length;
  if (waits) return ["busy", `Groups in step; ${plural(waits, "browser waits", "browsers wait")} for Cloudflare`];
  return ["good", "Exactly the risky users are isolated"];
}

// --- the clock ---

function showTime() {
  if (!state) return;
  const time = now();
  put(byId("clock"), clock(time));
  byId("clock").dateTime = new Date(time * 1000).toISOString();
  byId("dial").style.strokeDasharray = `${(time % 60) + 0.001} 60`;
  const worker = byId("worker");
  const { tick } = state;
  worker.dataset.outcome = state.running || state.deploying ? "" : (tick?.outcome ?? "");
  if (state.running) put(worker, `The Worker runs, ${short(Math.max(0, time - tick.start))}`);
  else if (state.deploying) put(worker, "The Worker is deployed anew");
  else put(worker, tick ? `Minute ${tick.number}: ${tick.outcome}` : "The Worker is idle");
  growMinute();
  showWaits();
  showCycle();
  showHeartbeat();
}

// --- all of it ---

let told = 0; // alerts of which a screen reader has heard

/** Let a screen reader hear how a minute, or the time that was to pass, has ended. */
function announce(before) {
  if (!before) told = state.alerts.length;
  const ended = before && ((before.running && !state.running) || (before.passing && !state.passing));
  if (!ended || state.passing) return;
  const counts = state.groups.map((group) => `${group.level} ${group.members.length}`).join(", ");
  const step = byId("step");
  const minute = step.dataset.mood === "bad" ? step.textContent : `Minute ${state.tick.number}: ${state.tick.outcome}. ${counts}. ${step.textContent}`;
  say([...state.alerts.slice(told).map(({ title }) => `Alert: ${title}.`), `${minute}.`].join(" "));
  told = state.alerts.length;
}

function show(next) {
  const before = state;
  const was = before ? places() : null;
  state = next;
  setClock(next.now);
  byId("ended").hidden = true;
  put(byId("domain"), next.domain);
  put(byId("command"), next.command);
  const busy = next.running || next.deploying;
  document.body.classList.toggle("running", busy || next.passing);
  byId("tick").setAttribute("aria-disabled", String(busy || next.passing));
  turn(byId("cron"), next.everyMinute);
  showUsers(next.users);
  showGroups(next, Boolean(before));
  showPolicies(next, Boolean(before));
  showFaults(next.faults);
  showStep();
  showMinute(next);
  showConsole(next.console);
  showAlerts(next);
  showTime();
  announce(before);
  move(was);
}

connect(byId("cron"), "/api/cron");
byId("tick").addEventListener("click", (event) => {
  if (event.target.getAttribute("aria-disabled") !== "true") post("/api/tick");
});

const events = new EventSource("/events");
events.addEventListener("message", (event) => show(JSON.parse(event.data)));
events.addEventListener("error", () => {
  byId("ended").hidden = false;
});
setInterval(showTime, 200);
