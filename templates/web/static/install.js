// The page of one install.

import { span } from "./format.js";
import { elapsed, every, follow, over, say } from "./live.js";
import { append, field, fill } from "./parts.js";

const KEEP = 2000;
const page = document.getElementById("page");
const timeline = document.getElementById("timeline");
const showLog = document.getElementById("show-log");
const steps = [...document.querySelectorAll("[data-step]")];
let since = Date.parse(page.dataset.changed);

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
  track(install);
  if (before === install.stage) return;
  leave(before, install.changed);
  document.title = `${install.guest} · ${install.stage} · provisioner`;
  say(`${install.guest}: ${install.stage}`);
  explain(install);
}

// What an install waits for, and why it failed, is worked out by the service.
async function explain(install) {
  const section = document.getElementById("why");
  section.hidden = true;
  if (install.stage === "installed") return;
  const answer = await fetch(`/api/v1/installs/${encodeURIComponent(install.id)}/why`);
  if (!answer.ok) return;
  const why = await answer.json();
  for (const place of section.querySelectorAll("[data-why]")) {
    const found = why[place.dataset.why];
    place.textContent = (found && found.text) ?? found ?? "";
    place.parentElement.hidden = !place.textContent;
  }
  section.hidden = false;
}

showLog.addEventListener("change", () => timeline.classList.toggle("with-log", showLog.checked));
timeline.classList.toggle("with-log", showLog.checked);
every(() => {
  if (!page.dataset.ended) field(page, "elapsed").textContent = elapsed(page);
});
follow({ install: page.dataset.id }, (event) => append(timeline, event, page.dataset.created, KEEP), onInstall);
