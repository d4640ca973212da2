// The page of one install.

import { Asked } from "./asked.js";
import { span } from "./format.js";
import { darken, refresh, watch } from "./glass.js";
import { elapsed, every, follow, over, say } from "./live.js";
import { append, field, fill } from "./parts.js";
import { budget, left } from "./budget.js";
import { agreed, call, losses } from "./planned.js";
import { listen } from "./serial.js";
import { Waterfall } from "./waterfall.js";

const KEEP = 2000;
const PICTURE_SECONDS = 3;
const page = document.getElementById("page");
const { id, guest } = page.dataset;
const timeline = document.getElementById("timeline");
const showLog = document.getElementById("show-log");
const find = document.getElementById("find");
const fault = document.getElementById("fault");
const steps = [...document.querySelectorAll("[data-step]")];
const created = Date.parse(page.dataset.created);
const skew = Date.parse(page.dataset.now) - Date.now();
const here = `/installs/${encodeURIComponent(id)}`;
const machine = document.getElementById("machine");
let since = Date.parse(page.dataset.changed);
let second = 0;
let charted = 0;
let early = [];

const waterfall = new Waterfall(document.getElementById("waterfall"), {
  created,
  stages: steps.map((step) => ({ name: step.dataset.step, began: step.dataset.began })),
  until: () => (page.dataset.ended ? Date.parse(page.dataset.ended) : Date.now() + skew),
  onPick: show,
});
const asked = new Asked(document.getElementById("asked"), {
  filter: document.getElementById("asked-find"), count: document.getElementById("asked-count"), created: page.dataset.created,
});

// The line of the list that a mark stands for, or the next one that is shown.
function show(mark) {
  if (mark.kind === "log") logged(true);
  const at = (one) => Date.parse(one.querySelector("time").dateTime) - Date.parse(mark.at);
  const lines = [...timeline.children].filter((one) => !one.hidden && at(one) >= 0);
  const line = lines.find((one) => at(one) === 0 && one.dataset.kind === mark.kind) ?? lines[0];
  if (!line) return;
  line.tabIndex = -1;
  line.focus();
}

function track(install) {
  const at = steps.findIndex((step) => step.dataset.step === (install.failed_at || install.stage));
  for (const [index, step] of steps.entries()) {
    let state = index < at ? "done" : "next";
    if (index === at) state = over(install.stage) ? (install.stage === "installed" ? "done" : "stopped") : "now";
    step.dataset.state = state;
    if (state === "now") step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
  }
}

function leave(stage, changed) {
  const step = steps.find((candidate) => candidate.dataset.step === stage);
  const end = Date.parse(changed);
  if (step) step.querySelector(".step-time").textContent = span((end - since) / 1000);
  since = end;
}

function onInstall(install) {
  const before = page.dataset.stage;
  fill(page, install);
  field(page, "address").textContent = install.address || "not seen yet";
  field(page, "resets").textContent = install.resets;
  field(page, "left").textContent = left(install);
  field(page, "slower").textContent = install.slower;
  field(page, "slower").hidden = !install.slower;
  track(install);
  fit();
  if (before === install.stage) return;
  leave(before, install.changed);
  waterfall.enter(install.stage, install.changed);
  document.title = `${install.guest} · ${install.stage} · provisioner`;
  say(`${install.guest}: ${install.stage}`);
  explain(install);
  budget(here);
}

// What an install waits for, and why it failed, is worked out by the service.
async function explain(install) {
  const section = document.getElementById("why");
  if (install.stage === "installed") {
    section.hidden = true;
    return;
  }
  const why = await call("GET", `${here}/why`).catch(() => null);
  section.hidden = !why;
  if (!why) return;
  for (const place of section.querySelectorAll("[data-why]")) {
    const found = why[place.dataset.why];
    const lines = Array.isArray(found) ? found : [found];
    const texts = lines.filter(Boolean).map((one) => (one.kind ? `${one.kind}: ${one.text}` : one));
    if (place.tagName === "OL") {
      place.replaceChildren(...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    } else {
      place.textContent = texts.join("\n");
    }
    (place.closest("dl > div") ?? place).hidden = !texts.length;
  }
}

function onEvent(event) {
  append(timeline, event, page.dataset.created, KEEP);
  narrow(timeline.lastElementChild);
  if (early) early.push(event);
  else chart(event);
}

function chart(event) {
  if (event.id <= charted) return;
  charted = event.id;
  waterfall.add(event);
  asked.add(event);
}

// What happens while the past is fetched comes after it.
async function load() {
  const found = await call("GET", `${here}/events?latest=5000`).catch(() => []);
  for (const event of [...found, ...early]) chart(event);
  early = null;
}

function logged(on) {
  showLog.checked = on;
  timeline.classList.toggle("with-log", on);
}

function narrow(line) {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = line.textContent.toLowerCase();
  line.hidden = !words.every((word) => text.includes(word));
}

// What is done with the install and its guest; the plan is shown first.
function fit() {
  const running = !over(page.dataset.stage);
  for (const button of page.querySelectorAll("[data-do]")) {
    button.hidden = button.dataset.do === "cancel" ? !running : machine.hidden;
  }
}

async function cancel() {
  const plan = { steps: [`the install of ${guest} ends as cancelled: its tokens are worth nothing from now on`, `${guest} is switched off; it and its disk stay`] };
  if (await agreed(`Cancel the install of ${guest}?`, plan, "Cancel the install")) await call("POST", `${here}/cancel`);
}

async function rebuild() {
  if (!(await agreed(`Install ${guest} anew?`, await losses(guest), "Empty its disk and install"))) return;
  const made = await call("POST", `/guests/${encodeURIComponent(guest)}/rebuild`, {});
  location.assign(`/install/${encodeURIComponent(made.install.id)}`);
}

document.addEventListener("click", async (click) => {
  const button = click.target.closest("[data-do]");
  if (!button) return;
  button.disabled = true;
  fault.hidden = true;
  try {
    await { cancel, rebuild }[button.dataset.do]();
  } catch (error) {
    fault.textContent = error.message;
    fault.hidden = false;
  } finally {
    button.disabled = false;
  }
});

function part(tag, values, name) {
  const element = Object.assign(document.createElement(tag), values);
  element.dataset.f = name;
  return element;
}

// The guest's own screen and serial line, where it is there and this is its latest install.
async function meet() {
  if (page.dataset.ours !== "yes") return;
  const found = await call("GET", `/guests/${encodeURIComponent(guest)}`).catch(() => null);
  if (!found) return;
  machine.hidden = false;
  fit();
  const glass = document.getElementById("glass");
  glass.append(part("img", { alt: `Screen of ${guest}`, hidden: true }, "picture"), part("p", { className: "dark", textContent: found.state }, "dark"));
  glass.hidden = !found.screen;
  if (found.screen) watch(glass);
  const picture = () => (found.state === "running" ? refresh(glass, guest) : darken(glass, found.state));
  if (found.screen) every(() => second % PICTURE_SECONDS === 0 && picture());
  listen(guest, document.getElementById("serial"), document.getElementById("serial-note"));
}

for (const [name, path, query] of [["preview", "preview", ""], ["diff", "diff", ""], ["before", "diff", "?before=1"]]) {
  const place = document.getElementById(`answer-${name}`);
  place.parentElement.addEventListener("toggle", async () => {
    if (!place.parentElement.open) return;
    place.textContent = "…";
    const told = await call("GET", `/answers/${path}/${encodeURIComponent(guest)}${query}`).catch((error) => ({ text: error.message }));
    if (path === "diff") paint(place, told.text);
    else place.textContent = told.text;
  });
}

function paint(place, text) {
  place.replaceChildren(...(text || "Nothing changed.").split("\n").map((line) => {
    const row = document.createElement("span");
    row.textContent = `${line}\n`;
    row.className = /^(\+|-)(?!\1\1)/.test(line) ? (line[0] === "+" ? "added" : "gone") : line.startsWith("@@") ? "place" : "";
    return row;
  }));
}

showLog.addEventListener("change", () => logged(showLog.checked));
logged(showLog.checked);
find.addEventListener("input", () => {
  if (find.value) logged(true);
  for (const line of timeline.children) narrow(line);
});
every(() => {
  second += 1;
  if (page.dataset.ended) return;
  field(page, "elapsed").textContent = elapsed(page);
  waterfall.soon();
});
fit();
load();
budget(here);
meet();
follow({ install: id }, onEvent, onInstall);
