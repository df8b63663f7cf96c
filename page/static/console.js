// The Worker's console. After a minute its first lines are to be seen: errors come first, a traceback last.

import { byId, keep, make } from "./dom.js";

const pane = byId("console");

export function showConsole(entries) {
  const latest = pane.lastElementChild;
  keep(pane, entries, (entry) => String(entry.tick), create);
  if (!entries.length && !pane.textContent) pane.append(make("p", { className: "hint", textContent: "Nothing yet: the Worker has just been deployed.", "data-key": "" }));
  if (pane.lastElementChild === latest) return;
  const room = pane.clientHeight - pane.lastElementChild.offsetHeight;
  pane.scrollTop = room > 0 ? pane.scrollHeight : pane.lastElementChild.offsetTop - pane.offsetTop - 8;
}

function create({ text }) {
  let kind = "heading";
  const lines = text.split("\n").map((line, index) => {
    if (index) kind = /^ {2}\((\w+)\)/.exec(line)?.[1] ?? (line.startsWith("PythonError") ? "traceback" : kind);
    return make("span", { className: `line ${kind}`, textContent: `${line}\n` });
  });
  return make("pre", {}, ...lines);
}
