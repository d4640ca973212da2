// The page of one guest: its state, its screen, what its serial line says.

import { refresh, darken } from "./glass.js";
import { every, say, show } from "./live.js";
import { field } from "./parts.js";
import { fit, obey } from "./switches.js";
import { Terminal } from "./terminal.js";

const PICTURE_SECONDS = 2;
const page = document.getElementById("page");
const { name } = page.dataset;
const note = document.getElementById("serial-note");
const terminal = new Terminal(document.getElementById("serial"));
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

// A stream that ends (the guest went off, somebody took the console) is asked for again by the browser;
// one that is refused is not, so that is done here, and the reason is shown.
function listen() {
  const source = new EventSource(`${here}/serial?tail=16384`);
  source.addEventListener("open", () => {
    note.hidden = true;
    terminal.clear();
  });
  source.addEventListener("text", (message) => terminal.write(JSON.parse(message.data)));
  source.addEventListener("end", () => tell("The serial line is closed."));
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(listen, 5000);
    explain();
  });
  addEventListener("pagehide", () => source.close());
}

async function explain() {
  const leave = new AbortController();
  try {
    const answer = await fetch(`${here}/serial`, { signal: leave.signal });
    if (!answer.ok) tell((await answer.json()).detail);
  } catch {
    tell("the service does not answer");
  } finally {
    leave.abort();
  }
}

function tell(sentence) {
  note.textContent = sentence;
  note.hidden = false;
}

fit(page, page.dataset.state);
obey(page, look);
listen();
every(() => {
  if (second % 2 === 0) look();
  const lit = page.dataset.state === "running" && page.dataset.screen === "yes";
  if (lit && second % PICTURE_SECONDS === 0) refresh(page, name);
  second += 1;
});
