// The switches for what goes wrong, a board a service.

import { byId, connect, keep, make, put, turn } from "./dom.js";

export function showFaults(boards) {
  keep(
    byId("boards"),
    boards,
    (board) => board.service,
    (board) => make("fieldset", {}, make("legend", { textContent: board.title }), make("ul", { className: "switches" })),
    (element, board) => {
      keep(element.querySelector("ul"), board.faults, (fault) => fault.name, (fault) => create(board.service, fault), update);
    },
  );
}

/** A switch that would not be felt, as those of the lists without the lane, can only be turned off. */
function update(row, fault) {
  const input = row.querySelector("input");
  input.disabled = !fault.felt && !fault.on;
  put(row.querySelector("small"), fault.felt ? fault.explanation : `${fault.explanation} Not felt without the direct lane.`);
  turn(input, fault.on);
}

function create(service, { name, title }) {
  const id = `fault-${service}-${name.replaceAll(" ", "-")}`;
  const input = make("input", { type: "checkbox", role: "switch", "aria-describedby": id });
  connect(input, `/api/faults/${service}/${encodeURIComponent(name)}`);
  return make("li", {}, make("label", { className: "switch" }, input, make("span", { textContent: title })), make("small", { id }));
}
