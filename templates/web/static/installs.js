// The page of all installs.

import { elapsed, every, follow, over, say } from "./live.js";
import { append, blank, field, fill } from "./parts.js";

const KEEP = 6;
const list = document.getElementById("installs");
const rows = new Map([...list.children].map((row) => [row.dataset.id, row]));
// Events of an install that is not on the page yet; its own record follows them.
const early = new Map();

function row(install) {
  const known = rows.get(install.id);
  if (known) return known;
  const fresh = blank("install-blank");
  const link = field(fresh, "guest");
  link.textContent = install.guest;
  link.href = `/install/${encodeURIComponent(install.id)}`;
  field(fresh, "profile").textContent = install.profile;
  field(fresh, "percent").setAttribute("aria-label", `Progress of ${install.guest}`);
  field(fresh, "timeline").setAttribute("aria-label", `Latest events of ${install.guest}`);
  rows.set(install.id, fresh);
  list.prepend(fresh);
  document.getElementById("empty").hidden = true;
  return fresh;
}

function onEvent(event) {
  if (!event.install || event.kind === "log") return;
  const known = rows.get(event.install);
  if (known) append(field(known, "timeline"), event, known.dataset.created, KEEP);
  else early.set(event.install, [...(early.get(event.install) ?? []), event].slice(-KEEP));
}

function onInstall(install) {
  const element = row(install);
  const before = element.dataset.stage;
  fill(element, install);
  for (const event of early.get(install.id) ?? []) {
    append(field(element, "timeline"), event, install.created, KEEP);
  }
  early.delete(install.id);
  if (before !== install.stage) say(`${install.guest}: ${install.stage}`);
  count();
}

function count() {
  const stages = [...rows.values()].map((element) => element.dataset.stage);
  const tell = (id, number) => { document.getElementById(id).textContent = number; };
  tell("count-running", stages.filter((stage) => !over(stage)).length);
  tell("count-installed", stages.filter((stage) => stage === "installed").length);
  tell("count-failed", stages.filter((stage) => stage === "failed").length);
}

every(() => {
  for (const element of rows.values()) {
    if (!element.dataset.ended) field(element, "elapsed").textContent = elapsed(element);
  }
});
follow({}, onEvent, onInstall);
