// The stream of events, the light that tells whether it flows, and the clock that runs between events.

import { span } from "./format.js";

const FINAL = new Set(["installed", "failed", "cancelled"]);
const AGAIN_SECONDS = 5;
const HIDDEN_SECONDS = 30;
const page = document.getElementById("page");
const skew = Date.parse(page.dataset.now) - Date.now();

let last = Number(page.dataset.after);

// The last event's id that the stream has told of.
export const position = () => last;
export const over = (stage) => FINAL.has(stage);
export const now = () => Date.now() + skew;

// The browser itself comes back after a broken connection, with the last id it saw. A page that nobody can
// see lets its connection go, as a browser has six of them for all its tabs, and catches up when it is seen.
export function follow(query, onEvent, onInstall, onRenew = () => location.reload()) {
  let source = null;
  let timer = 0;

  function take(message, act) {
    const id = Number(message.lastEventId);
    act(JSON.parse(message.data));
    last = Math.max(last, id || 0);
  }

  function open() {
    source = new EventSource(`/events?${new URLSearchParams({ after: last, ...query })}`);
    source.addEventListener("open", () => show("live", "live"));
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) {
        show("lost", "reconnecting");
        return;
      }
      show("lost", "not connected – reload the page");
      timer = setTimeout(open, AGAIN_SECONDS * 1000);
    });
    source.addEventListener("event", (message) => {
      if (Number(message.lastEventId) > last) take(message, onEvent);
    });
    source.addEventListener("install", (message) => take(message, onInstall));
    source.addEventListener("renew", (message) => {
      last = Number(message.data);
      onRenew();
    });
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(close, HIDDEN_SECONDS * 1000);
    else if (!source || source.readyState === EventSource.CLOSED) open();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (shown) => { if (shown.persisted) open(); });
  open();
}

export function say(text) {
  document.getElementById("said").textContent = text;
}

export function elapsed(element) {
  const { created, ended } = element.dataset;
  return span(((ended ? Date.parse(ended) : now()) - Date.parse(created)) / 1000);
}

export function every(second) {
  second();
  setInterval(second, 1000);
}

export function show(state, text) {
  const light = document.getElementById("live");
  if (light.dataset.state === state && document.getElementById("live-text").textContent === text) return;
  light.dataset.state = state;
  document.getElementById("live-text").textContent = text;
}
