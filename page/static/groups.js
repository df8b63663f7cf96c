// The three groups in Entra, and what Gateway's policies at Cloudflare go by: a column a level, the same above and below.

import { byId, clock, connect, duration, face, keep, make, now, plural, post, put, turn } from "./dom.js";

const CYCLE_SECONDS = 2400;

function column(kind, { level }, label) {
  return make(
    "section",
    { className: "group", "data-level": level, "aria-label": `${kind} ${level}` },
    make("h3", {}, make("span", { className: "word", textContent: level }), make("span", { className: "count" })),
    make("p", { className: "group-name" }),
    make("ul", { className: "scroll members", tabIndex: 0, "aria-label": label }),
    make("p", { className: "hint empty" }),
    make("p", { className: "hint beside" }),
  );
}

// --- in Entra ---

/** `watching`: since before the latest tick. */
export function showGroups({ groups, users, tick }, watching) {
  const names = new Map(users.map((user) => [user.id, user.name]));
  keep(
    byId("columns"),
    groups,
    (group) => group.level,
    (group) => column("Group", group, `Members of the group ${group.level}`),
    (element, group) => {
      const members = group.members.filter((id) => names.has(id)).reverse(); // the latest first
      put(element.querySelector(".count"), String(members.length));
      put(element.querySelector(".group-name"), group.name);
      element.querySelector(".group-name").title = group.name;
      const empty = element.querySelector(".empty");
      put(empty, group.exists ? "Nobody" : "Does not exist yet: the Worker creates it");
      empty.hidden = members.length > 0;
      element.querySelector(".beside").hidden = true;
      keep(
        element.querySelector(".members"),
        members,
        (id) => id,
        (id) => make("li", { "data-level": group.level, "data-tick": watching ? tick?.number : "" }, face(names.get(id)), names.get(id)),
        (chip) => markNew(chip, tick),
      );
    },
  );
}

/** What came in the latest minute is told apart for as long. */
function markNew(chip, tick) {
  chip.classList.toggle("new", chip.dataset.tick === String(tick?.number));
}

// --- at Cloudflare ---

let provisioning = { next: null, last: null };

export function showPolicies(state, watching) {
  provisioning = state.provisioning;
  const { lane, users, tick } = state;
  const isolated = users.filter((user) => user.isolated).length;
  turn(byId("lane"), lane);
  put(byId("policy"), `isolates by ${lane ? "list" : "group"}: ${plural(isolated, "browser")}`);
  keep(
    byId("policies"),
    state.policies,
    (policy) => policy.level,
    (policy) => column("Policy", policy, `What the policy ${policy.level} goes by`),
    (element, policy) => {
      put(element.querySelector(".count"), String(policy.entries.length));
      put(element.querySelector(".group-name"), policy.name);
      const empty = element.querySelector(".empty");
      put(empty, !lane && policy.provisioned === null ? "Not provisioned yet" : "Nobody");
      empty.hidden = policy.entries.length > 0;
      put(element.querySelector(".beside"), beside(policy, lane));
      keep(
        element.querySelector(".members"),
        policy.entries,
        (entry) => entry,
        (entry) => make("li", { className: "entry", "data-tick": watching ? tick?.number : "", textContent: entry }),
        (chip) => markNew(chip, tick),
      );
    },
  );
  const pass = byId("pass");
  put(pass, state.passing ? "Stop here" : "Fast-forward");
  pass.hidden = provisioning.next === null && !state.passing;
  pass.dataset.passing = String(state.passing);
  showCycle();
}

/** How it stands with what the policy could go by instead. */
function beside(policy, lane) {
  if (!lane) return `List: ${plural(policy.addresses, "address", "addresses")}, not kept now`;
  return policy.provisioned === null ? "Group: not provisioned yet" : `Group: ${plural(policy.provisioned, "member")} provisioned`;
}

export function showCycle() {
  const { next, last } = provisioning;
  const left = next === null ? 0 : Math.max(0, next - now());
  byId("cycle-dial").style.strokeDasharray = `${(next === null ? 0 : 1 - left / CYCLE_SECONDS) * 40 + 0.001} 40`;
  put(byId("cycle"), next === null ? "No SCIM cycle is to come" : `SCIM cycle in ${duration(left)}`);
  byId("cycle").title = last === null ? "" : `the last at ${clock(last)}`;
}

connect(byId("lane"), "/api/lane");
byId("pass").addEventListener("click", (event) => post(`/api/passing/${event.target.dataset.passing === "true" ? "off" : "on"}`));
