// The form for new guests: what is said of each field comes from the service, while one types.

import { call, several } from "./planned.js";
import { request } from "./wish.js";

const WAIT = 350; // milliseconds after the last key
const SLOW = 800;
const form = document.getElementById("form");
const profile = document.getElementById("profile");
const sum = document.getElementById("sum");
const fault = document.getElementById("fault");
const create = document.getElementById("create");
const byId = (id) => document.getElementById(id);
let asked = 0;
let timer = 0;
let judged = null; // the last verdict, for what the form says now
let touched = false;

const method = () => form.elements.method.value;

// Only what the method knows is shown; a profile tells what is left out.
function fit() {
  for (const part of form.querySelectorAll("[data-methods]")) part.hidden = !part.dataset.methods.split(" ").includes(method());
  const none = profile.options[0];
  none.disabled = none.hidden = !none.dataset.for.split(" ").includes(method());
  if (none.disabled && !profile.value && profile.options.length > 1) profile.selectedIndex = 1;
  const told = method() === "import" ? {} : (profile.selectedOptions[0]?.dataset ?? {});
  byId("profile-about").textContent = told.about ?? "";
  byId("memory").placeholder = told.memory ?? "1024";
  byId("vcpus").placeholder = told.vcpus ?? "1";
  byId("size").placeholder = told.disk ?? (method() === "import" ? "as the image" : "8");
}

function say(name, found) {
  const place = form.querySelector(`[data-said="${name}"]`);
  if (!place) return;
  place.hidden = !found;
  place.textContent = found ? [found.sentence, found.remedy].filter(Boolean).join("\n") : "";
  place.dataset.severity = found?.severity ?? "";
  for (const input of form.querySelectorAll(`[aria-describedby~="v-${name}"]`)) {
    if (found?.severity === "fail") input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
}

const GRAVITY = ["good", "warn", "fail"];

function tell(verdicts) {
  const worst = new Map();
  const rest = [];
  for (const found of verdicts) {
    if (!form.querySelector(`[data-said="${found.field}"]`)) {
      rest.push(found);
      continue;
    }
    const known = worst.get(found.field);
    if (!known || GRAVITY.indexOf(found.severity) > GRAVITY.indexOf(known.severity)) worst.set(found.field, found);
  }
  for (const place of form.querySelectorAll("[data-said]")) say(place.dataset.said, worst.get(place.dataset.said));
  byId("others").replaceChildren(...rest.map((found) => {
    const line = document.createElement("li");
    line.className = "verdict-line";
    line.dataset.severity = found.severity;
    line.textContent = [found.sentence, found.remedy].filter(Boolean).join("\n");
    return line;
  }));
}

function show(told) {
  judged = told;
  tell(told.verdicts);
  const failed = told.verdicts.filter((found) => found.severity === "fail").length;
  const many = told.names.length > 1 ? `${told.names.length} guests, ${told.names[0]} to ${told.names.at(-1)}` : told.names[0];
  sum.dataset.severity = failed ? "fail" : "good";
  if (failed) sum.textContent = failed === 1 ? "One thing stands against it." : `${failed} things stand against it.`;
  else sum.textContent = `${many} can be created${told.names.length > 1 ? "; the plan of the first:" : ":"}`;
  const steps = told.plan?.steps ?? [];
  byId("plan").replaceChildren(...steps.map((step) => Object.assign(document.createElement("li"), { textContent: step })));
  byId("xml").textContent = told.plan?.xml ?? "";
  byId("xml-part").hidden = !told.plan;
  byId("command").textContent = told.command;
  byId("command-part").hidden = false;
  create.textContent = told.names.length > 1 ? `Create ${told.names.length} guests` : "Create";
}

// What the form cannot even be asked with is told at once; everything else by the service.
async function judge() {
  const turn = (asked += 1);
  judged = null;
  const { body, wrong } = request(form);
  if (wrong.length) {
    tell(wrong);
    sum.textContent = "One thing stands against it.";
    sum.dataset.severity = "fail";
    return;
  }
  if (!touched) return;
  const slow = setTimeout(() => wait(turn), SLOW);
  try {
    const told = await call("POST", "/guests/verdict", body);
    if (turn === asked) show(told);
    fault.hidden = true;
  } catch (error) {
    if (turn !== asked) return;
    fault.textContent = error.message;
    fault.hidden = false;
  } finally {
    clearTimeout(slow);
  }
}

// A service that was just started for the first time makes things ready before it can tell.
function wait(turn) {
  if (turn !== asked) return;
  sum.dataset.severity = "";
  sum.textContent = "The service is looking at it.";
}

function soon() {
  touched = true;
  clearTimeout(timer);
  timer = setTimeout(judge, WAIT);
}

async function lists() {
  const host = form.elements.connect.value || "local";
  const known = await call("GET", `/hosts/${encodeURIComponent(host)}`).catch(() => null);
  if (!known) return;
  const pairs = [...known.networks.map((name) => [`network=${name}`, `network ${name}`]), ...known.bridges.map((name) => [`bridge=${name}`, `bridge ${name}`]), ["user", "QEMU's own network"]];
  refill(byId("networks"), pairs);
  refill(byId("pool"), known.pools.map((name) => [name, name]), "default");
}

function refill(select, pairs, first = "network=default") {
  const before = select.value;
  select.replaceChildren(...pairs.map(([value, text]) => new Option(text, value)));
  const values = pairs.map(([value]) => value);
  select.value = values.includes(before) ? before : values.includes(first) ? first : (values[0] ?? "");
}

function point() {
  const first = form.querySelector('[aria-invalid="true"]');
  first?.closest("details")?.setAttribute("open", "");
  (first ?? byId("others")).focus();
}

function made(name, text, bad, link) {
  const line = document.createElement("li");
  const word = document.createElement(link ? "a" : "span");
  if (link) word.href = link;
  word.textContent = name;
  line.append(word, ` ${text}`);
  line.className = bad ? "bad" : "";
  byId("made").append(line);
}

async function submit() {
  clearTimeout(timer);
  touched = true;
  if (!judged) await judge();
  if (!judged || judged.verdicts.some((found) => found.severity === "fail")) {
    point();
    return;
  }
  const { body } = request(form);
  const { names, ...wishes } = body;
  if (judged.names.length === 1) {
    const told = await call("POST", "/guests", { name: judged.names[0], ...wishes });
    location.assign(`/install/${encodeURIComponent(told.install.id)}`);
    return;
  }
  byId("made").replaceChildren();
  for await (const line of several("/api/v1/guests/batch", { names: judged.names, ...wishes })) {
    if (line.created) made(line.name, "is created", false, `/install/${encodeURIComponent(line.created.install.id)}`);
    else made(line.name ?? "", [line.error, line.remedy].filter(Boolean).join("; "), true);
  }
  judge();
}

form.addEventListener("input", () => {
  fit();
  soon();
});
form.addEventListener("change", (change) => change.target.name === "connect" && lists().then(soon));
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  create.disabled = true;
  fault.hidden = true;
  try {
    await submit();
  } catch (error) {
    fault.textContent = error.message;
    fault.hidden = false;
  } finally {
    create.disabled = false;
  }
});
byId("copy").addEventListener("click", async () => {
  const text = byId("command").textContent;
  try {
    await navigator.clipboard.writeText(text);
    byId("copy").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(byId("command"));
  }
  setTimeout(() => { byId("copy").textContent = "Copy"; }, 2000);
});
fit();
// What was filled in before this ran, or is filled in again by the browser.
if (form.elements.names.value) soon();
addEventListener("pageshow", () => form.elements.names.value && soon());
