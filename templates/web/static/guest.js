// The page of one guest: its state, its screen, what its serial line says.

import { refresh, darken } from "./glass.js";
import { every, say, show } from "./live.js";
import { field } from "./parts.js";
import { listen } from "./serial.js";
import { fit, obey } from "./switches.js";

const PICTURE_SECONDS = 2;
const page = document.getElementById("page");
const { name } = page.dataset;
const here = `/api/v1/guests/${encodeURIComponent(name)}`;
let second = 0;

async function look() {
  let guest;
  try {
    const answer = await fetch(here);
    if (!answer.ok) throw new Error(answer.statusText);
    guest = await answer.json();
  } catch {
    show("lost", "not connected");
    return;
  }
  show("live", "live");
  if (page.dataset.state !== guest.state) say(`${name}: ${guest.state}`);
  page.dataset.state = guest.state;
  field(page, "state").textContent = guest.state;
  if (guest.address) field(page, "address").textContent = guest.address.ip;
  document.title = `${name} · ${guest.state} · provisioner`;
  fit(page, guest.state);
  if (guest.screen && guest.state !== "running") darken(page, guest.state);
}

fit(page, page.dataset.state);
obey(page, look);
listen(name, document.getElementById("serial"), document.getElementById("serial-note"));
every(() => {
  if (second % 2 === 0) look();
  const lit = page.dataset.state === "running" && page.dataset.screen === "yes";
  if (lit && second % PICTURE_SECONDS === 0) refresh(page, name);
  second += 1;
});
