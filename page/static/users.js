// The users, their risk and their browsers. However many there are, they are one stop of the Tab key: arrow keys lead from one to the next.

import { byId, duration, clock, face, keep, make, now, plural, post, put, say } from "./dom.js";

const STATES = {
  none: "No risk",
  atRisk: "At risk",
  confirmedCompromised: "Compromised",
  dismissed: "Dismissed",
  remediated: "Remediated",
  confirmedSafe: "Confirmed safe",
};

/** Each action with its word, and whether it would change anything. */
const ACTIONS = [
  ["raise", "Raise", (user) => user.level !== "high"],
  ["confirm", "Confirm", (user) => user.state !== "confirmedCompromised"],
  ["dismiss", "Dismiss", (user) => user.level !== "none"],
  ["delete", "Delete", () => true],
];

const list = byId("users");
const find = byId("find");
let all = [];
let shown = [];
let current = null; // whom the Tab key leads to
let opened = null; // whose actions are shown
let before = Infinity; // how many users there were when one more was asked for

export function showUsers(users) {
  all = users;
  const wanted = find.value.trim().toLowerCase();
  shown = users.filter((user) => user.name.toLowerCase().includes(wanted));
  if (!shown.some((user) => user.id === current)) current = shown[0]?.id ?? null;
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  keep(list, shown, (user) => user.id, create, update);
  if (focused?.hidden) focused.parentElement.querySelector("button:not([hidden])").focus();
  byId("nobody").hidden = shown.length > 0;
  const some = wanted ? `${shown.length} of ${users.length} users` : plural(users.length, "user");
  put(byId("how-many"), some);
  showForAll();
  if (users.length > before) {
    before = Infinity;
    focusOn(list.lastElementChild);
  }
}

/** What can be done to all who are shown: nothing that would change nothing. */
function showForAll() {
  const [raise, dismiss] = [byId("raise-all"), byId("dismiss-all")];
  const focused = document.activeElement;
  for (const button of [raise, dismiss]) {
    const [, , useful] = ACTIONS.find(([action]) => button.id.startsWith(action));
    button.hidden = !shown.some(useful);
  }
  if (focused?.hidden && focused === raise) dismiss.focus();
  if (focused?.hidden && focused === dismiss) raise.focus();
}

/** What changes as time goes by. */
export function showWaits() {
  shown.forEach((user, index) => {
    if (risky(user) !== user.isolated) put(list.children[index].querySelector(".browser"), browser(user));
  });
}

const risky = (user) => user.level !== "none";

function browser(user) {
  if (risky(user) && user.isolated) {
    const took = user.since - user.changed;
    return took > 0 ? `isolated at ${clock(user.since).slice(0, 5)}, after ${duration(took)}` : `isolated since ${clock(user.since)}`;
  }
  const waits = duration(now() - user.changed);
  if (risky(user)) return `not isolated yet, for ${waits}`;
  return user.isolated ? `still isolated, for ${waits}` : "";
}

function create(user) {
  const id = `user-${user.id}`;
  const button = make(
    "button",
    { type: "button", className: "person", "aria-expanded": "false", "aria-controls": id },
    face(user.name),
    make(
      "span",
      { className: "who" },
      make("span", { className: "first" }, make("span", { className: "name", textContent: user.name }), make("span", { className: "level" })),
      make("span", { className: "state" }, make("span"), make("span", { className: "browser" })),
    ),
  );
  button.addEventListener("focus", () => (current = user.id));
  button.addEventListener("click", () => {
    opened = opened === user.id ? null : user.id;
    showUsers(all);
  });
  const actions = make("div", { id, className: "actions", hidden: true });
  for (const [action, word] of ACTIONS) {
    const act = make("button", { type: "button", className: "small", "data-action": action, "aria-label": `${word} ${user.name}`, textContent: word });
    act.addEventListener("click", () => {
      if (action === "delete") leave(button.parentElement, user);
      post(`/api/users/${user.id}/${action}`);
    });
    actions.append(act);
  }
  return make("li", {}, button, actions);
}

function update(row, user) {
  const open = opened === user.id;
  const [button, actions] = row.children;
  const [state, isolation] = button.querySelector(".state").children;
  row.dataset.level = user.level;
  row.classList.toggle("open", open);
  row.classList.toggle("isolated", user.isolated);
  row.classList.toggle("waits", risky(user) !== user.isolated);
  button.tabIndex = current === user.id ? 0 : -1;
  button.setAttribute("aria-expanded", String(open));
  const text = browser(user);
  put(state, `${STATES[user.state] ?? user.state}${text ? ", " : ""}`);
  put(isolation, text);
  isolation.title = user.since ? `since ${clock(user.since)}` : "";
  put(button.querySelector(".level"), user.level === "none" ? "" : user.level);
  actions.hidden = !open;
  ACTIONS.forEach(([, , useful], index) => (actions.children[index].hidden = !useful(user)));
}

/** Take the focus from a user who is about to go, and tell of it. */
function leave(row, user) {
  const next = row.nextElementSibling ?? row.previousElementSibling;
  if (next) focusOn(next);
  else find.focus();
  say(`${user.name} was deleted.`);
}

function focusOn(row) {
  const button = row.querySelector(".person");
  current = row.dataset.key;
  for (const other of list.querySelectorAll('.person[tabindex="0"]')) other.tabIndex = -1;
  button.tabIndex = 0;
  button.focus();
}

list.addEventListener("keydown", (event) => {
  const row = event.target.closest("li");
  const rows = [...list.children];
  const at = rows.indexOf(row);
  const page = Math.max(1, Math.floor(list.clientHeight / row.offsetHeight) - 1);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  focusOn(rows[Math.min(Math.max(to, 0), rows.length - 1)]);
});

find.addEventListener("input", () => showUsers(all));

byId("add").addEventListener("click", () => {
  find.value = "";
  before = all.length;
  post("/api/users");
});

for (const [action, word] of [["raise", "raised"], ["dismiss", "dismissed"]]) {
  byId(`${action}-all`).addEventListener("click", async () => {
    const whose = plural(shown.length, "user");
    await post(`/api/everybody/${action}?named=${encodeURIComponent(find.value.trim())}`);
    say(`The risk of ${whose} was ${word}.`);
  });
}
