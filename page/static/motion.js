// Lets members be seen moving: from their user or their old group into the new one.

import { LEVELS, byId } from "./dom.js";

const MOST_MOVES = 60; // more moves at once are unrest
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const members = () => new Map([...document.querySelectorAll("#columns .members > li")].map((chip) => [`${chip.dataset.level} ${chip.dataset.key}`, chip]));

/** Where the members are now; null where motion is unwelcome. */
export function places() {
  if (calm.matches) return null;
  return new Map([...members()].map(([key, chip]) => [key, { chip, box: chip.getBoundingClientRect(), pane: chip.parentElement.getBoundingClientRect() }]));
}

const seen = ({ box, pane }) => box.bottom > pane.top && box.top < pane.bottom;

/** Let chips slide from where they were; those that are new fly in from their user, or their old group; those that left fade. */
export function move(before) {
  const after = places();
  if (!before || !after) return;
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
