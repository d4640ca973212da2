// The page of all guests.

import { refresh, darken, watch } from "./glass.js";
import { every, say, show } from "./live.js";
import { blank, field } from "./parts.js";
import { fit, obey } from "./switches.js";

const PICTURE_SECONDS = 5;
const list = document.getElementById("tiles");
const tiles = new Map([...list.children].map((tile) => [tile.dataset.name, tile]));
let second = 0;

function tile(guest) {
  const known = tiles.get(guest.name);
  if (known) return known;
  const fresh = blank("tile-blank");
  fresh.dataset.name = guest.name;
  const link = field(fresh, "name");
  link.textContent = guest.name;
  link.href = `/guests/${encodeURIComponent(guest.name)}`;
  field(fresh, "pane").href = link.href;
  field(fresh, "profile").textContent = guest.profile;
  field(fresh, "picture").alt = `Screen of ${guest.name}`;
  fresh.querySelector(".switches").dataset.name = guest.name;
  tiles.set(guest.name, fresh);
  const after = [...tiles.keys()].sort().find((name) => name > guest.name && tiles.get(name).isConnected);
  list.insertBefore(fresh, after ? tiles.get(after) : null);
  watch(fresh);
  return fresh;
}

function fill(element, guest) {
  const { state } = element.dataset;
  element.dataset.state = guest.state;
  element.dataset.screen = guest.screen ? "yes" : "no";
  field(element, "state").textContent = guest.state;
  if (guest.install?.address) field(element, "address").textContent = guest.install.address;
  fit(element, guest.state);
  if (guest.state !== "running") darken(element, guest.state);
  else if (!guest.screen) darken(element, "no screen");
  if (state && state !== guest.state) say(`${guest.name}: ${guest.state}`);
}

async function look() {
  let guests;
  try {
    const answer = await fetch("/api/v1/guests");
    if (!answer.ok) throw new Error(answer.statusText);
    guests = await answer.json();
  } catch {
    show("lost", "not connected");
    return;
  }
  show("live", "live");
  const names = new Set(guests.map((guest) => guest.name));
  for (const [name, element] of tiles) {
    if (names.has(name)) continue;
    element.remove();
    tiles.delete(name);
  }
  for (const guest of guests) fill(tile(guest), guest);
  document.getElementById("empty").hidden = guests.length > 0;
  document.getElementById("count-all").textContent = guests.length;
  const on = guests.filter((guest) => guest.state === "running").length;
  document.getElementById("count-on").textContent = on;
}

// One after the other: a hundred guests must not be photographed at once.
async function photograph() {
  for (const [name, element] of tiles) {
    if (element.dataset.state === "running" && element.dataset.screen === "yes") await refresh(element, name);
  }
}

for (const element of tiles.values()) {
  watch(element);
  fit(element, element.dataset.state);
}
obey(list, look);
every(() => {
  if (second % 2 === 0) look();
  if (second % PICTURE_SECONDS === 0) photograph();
  second += 1;
});
