// Alerts as they would arrive in a chat, and the heartbeat that a monitor waits for.

import { byId, clock, duration, keep, make, now, put } from "./dom.js";

const SILENT_SECONDS = 120;
let heartbeat = null;

export function showAlerts(state) {
  heartbeat = state.heartbeat;
  const latestFirst = state.alerts.map((alert, index) => ({ ...alert, key: `${alert.time} ${index}` })).reverse();
  keep(byId("alerts"), latestFirst, (alert) => alert.key, create);
  const none = byId("no-alerts");
  none.hidden = state.alerts.length > 0;
  put(none, `None: ${state.alertAfter} failed minutes in a row would be told here, and that they are over.`);
  byId("alerts").hidden = state.alerts.length === 0;
  showHeartbeat();
}

function create(alert) {
  return make("li", { className: alert.over ? "over" : "" }, make("p", { className: "alert-title" }, make("b", { textContent: alert.title }), make("time", { textContent: clock(alert.time).slice(0, 5) })), make("p", { textContent: alert.text }));
}

export function showHeartbeat() {
  const element = byId("heartbeat");
  const ago = heartbeat === null ? null : now() - heartbeat;
  element.dataset.silent = String(ago !== null && ago > SILENT_SECONDS);
  put(element, ago === null ? "no heartbeat yet" : ago > SILENT_SECONDS ? `no heartbeat for ${duration(ago)}` : `heartbeat at ${clock(heartbeat)}`);
}
