// The page of one guest: its state, its screen, what its serial line says.

import { refresh, darken } from "./glass.js";
import { every, say, show } from "./live.js";
import { field } from "./parts.js";
import { agreed, call, losses, one } from "./planned.js";
import { listen } from "./serial.js";
import { fit, obey } from "./switches.js";

const PICTURE_SECONDS = 2;
const page = document.getElementById("page");
const { name } = page.dataset;
const path = `/guests/${encodeURIComponent(name)}`;
const here = `/api/v1${path}`;
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

// What is more than a switch; its plan is shown first.
const DEEDS = {
  async rebuild() {
    if (!(await agreed(`Install ${name} anew?`, await losses(name), "Empty its disk and install"))) return;
    const made = await call("POST", `${path}/rebuild`, {});
    location.assign(`/install/${encodeURIComponent(made.install.id)}`);
  },
  async remove() {
    const told = await call("GET", `${path}/removal`);
    const warnings = told.volumes.map((volume) => `lost: volume ${volume.name} of pool ${volume.pool}`);
    if (!(await agreed(`Delete ${name}?`, { steps: told.steps, warnings }, `Delete ${name}`))) return;
    await call("DELETE", path);
    location.assign("/");
  },
  async keep() {
    const steps = [`${name} is asked to shut down, and its disks are frozen as they are`, "from now on it writes to an empty overlay on them"];
    if (!(await agreed(`Keep ${name} as it is?`, { steps }, "Keep it"))) return;
    await one("/snapshots", { names: [name] });
    location.reload();
  },
  async reset() {
    const steps = [`${name} is powered off, its disks are as they were kept, and it is started`];
    const warnings = ["lost: everything that it wrote since"];
    if (!(await agreed(`Reset ${name}?`, { steps, warnings }, "Reset it"))) return;
    await one("/snapshots/reset", { names: [name] });
    location.reload();
  },
  async let() {
    const steps = ["it stays as it is now, and cannot be had as it was kept any more"];
    if (!(await agreed(`Let the snapshot of ${name} go?`, { steps }, "Let it go"))) return;
    await call("DELETE", `/snapshots/${encodeURIComponent(name)}`);
    location.reload();
  },
  async autostart(button) {
    await call("PUT", `${path}/autostart`, { on: button.dataset.on === "true" });
    location.reload();
  },
};

page.addEventListener("click", async (click) => {
  const button = click.target.closest("[data-do]");
  if (!button) return;
  const fault = document.getElementById("fault");
  button.disabled = true;
  fault.hidden = true;
  try {
    await DEEDS[button.dataset.do](button);
  } catch (error) {
    fault.textContent = error.message;
    fault.hidden = false;
  } finally {
    button.disabled = false;
  }
});

const xml = document.getElementById("domain-xml");
xml.parentElement.addEventListener("toggle", async () => {
  if (!xml.parentElement.open) return;
  const told = await call("GET", `${path}/xml`).catch((error) => ({ xml: error.message }));
  xml.textContent = told.xml;
});

fit(page, page.dataset.state);
obey(page, look);
listen(name, document.getElementById("serial"), document.getElementById("serial-note"));
every(() => {
  if (second % 2 === 0) look();
  const lit = page.dataset.state === "running" && page.dataset.screen === "yes";
  if (lit && second % PICTURE_SECONDS === 0) refresh(page, name);
  second += 1;
});
