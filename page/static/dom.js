// What every part of the page needs: elements, words, the services' clock, and a way to ask the server for something.

export const LEVELS = ["high", "medium", "low"];

export const byId = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("data-") || name.startsWith("aria-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Set a text only where it differs, so that nothing is drawn or read out anew. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Make a list's children those of `items`, in order, keeping the elements that stay. */
export function keep(list, items, key, create, update = () => {}) {
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

// --- words ---

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
const initials = (name) => name.split(" ").slice(0, 2).map((word) => word[0]).join("");
export const short = (seconds) => (seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`);
export const face = (name) => make("span", { className: "face", "aria-hidden": "true", textContent: initials(name) });

/** A duration as one speaks of it, from seconds to hours. */
export function duration(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}

// --- the services' clock ---

let ahead = 0; // of this browser's, in milliseconds

export const now = () => (Date.now() + ahead) / 1000;
export function setClock(seconds) {
  ahead = seconds * 1000 - Date.now();
}

const format = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const clock = (seconds) => format.format(new Date(seconds * 1000));

// --- asking, and saying ---

export async function post(path) {
  const answer = await fetch(path, { method: "POST" }).catch(() => null);
  if (answer && !answer.ok && answer.status !== 409) say("That did not work.");
}

/** Let a screen reader say something. */
export function say(sentence) {
  byId("said").textContent = sentence;
}

const flipping = new Set(); // switches whose new position is on its way: a state from before must not turn them back

/** Make a switch ask for its position at `path`. */
export function connect(input, path) {
  input.addEventListener("change", async () => {
    const wanted = input.checked;
    flipping.add(input);
    await post(`${path}/${wanted ? "on" : "off"}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
    flipping.delete(input);
  });
}

export function turn(input, on) {
  if (!flipping.has(input)) input.checked = on;
}
