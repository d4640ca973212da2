// The stream of events, the light that tells whether it flows, and the clock that runs between events.

import { span } from "./format.js";

const FINAL = new Set(["installed", "failed", "cancelled"]);
const page = document.getElementById("page");
const skew = Date.parse(page.dataset.now) - Date.now();

export const over = (stage) => FINAL.has(stage);

export function follow(query, onEvent, onInstall) {
  const source = new EventSource(`/events?${new URLSearchParams({ after: page.dataset.after, ...query })}`);
  source.addEventListener("open", () => show("live", "live"));
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) show("lost", "not connected – reload the page");
    else show("lost", "reconnecting");
  });
  source.addEventListener("event", (message) => onEvent(JSON.parse(message.data)));
  source.addEventListener("install", (message) => onInstall(JSON.parse(message.data)));
  addEventListener("pagehide", () => source.close());
}

export function say(text) {
  document.getElementById("said").textContent = text;
}

export function elapsed(element) {
  const { created, ended } = element.dataset;
  const until = ended ? Date.parse(ended) : Date.now() + skew;
  return span((until - Date.parse(created)) / 1000);
}

export function every(second) {
  second();
  setInterval(second, 1000);
}

export function show(state, text) {
  const light = document.getElementById("live");
  if (light.dataset.state === state) return;
  light.dataset.state = state;
  document.getElementById("live-text").textContent = text;
}
