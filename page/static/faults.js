// The switches for what goes wrong, a board a service.

import { byId, connect, keep, make, turn } from "./dom.js";

export function showFaults(boards) {
  keep(
    byId("boards"),
    boards,
    (board) => board.service,
    (board) => make("fieldset", {}, make("legend", { textContent: board.title }), make("ul", { className: "switches" })),
    (element, board) => {
      keep(element.querySelector("ul"), board.faults, (fault) => fault.name, (fault) => create(board.service, fault), (row, fault) => turn(row.querySelector("input"), fault.on));
    },
  );
}

function create(service, { name, title, explanation }) {
  const id = `fault-${service}-${name.replaceAll(" ", "-")}`;
  const input = make("input", { type: "checkbox", role: "switch", "aria-describedby": id });
  connect(input, `/api/faults/${service}/${encodeURIComponent(name)}`);
  return make("li", {}, make("label", { className: "switch" }, input, make("span", { textContent: title })), make("small", { id, textContent: explanation }));
}
