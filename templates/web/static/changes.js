// What is changed on a host's networks and pools: a button asks the API, and the page is read anew.

import { say } from "./live.js";
import { call } from "./planned.js";

const fault = document.getElementById("fault");
const page = () => document.querySelector(".cards");

function complain(sentence) {
  fault.textContent = sentence;
  fault.hidden = !sentence;
}

const where = (button) => `${button.parentElement.dataset.path} ${button.dataset.call ?? "check"} ${button.dataset.verb === "autostart"}`;

// The cards as the service draws them now; the focus stays where it was.
function renew() {
  const request = new XMLHttpRequest();
  request.responseType = "document"; // parsed, never run
  request.addEventListener("load", () => {
    const fresh = request.response?.querySelector(".cards");
    if (request.status !== 200 || !fresh) return;
    const focused = document.activeElement?.closest(".cards button");
    const place = focused && where(focused);
    page().replaceWith(document.adoptNode(fresh));
    if (place) [...page().querySelectorAll("button")].find((button) => where(button) === place)?.focus();
  });
  request.open("GET", location.pathname);
  request.send();
}

async function act(button) {
  const { path, query } = button.parentElement.dataset;
  const { call: method, verb, on, ask } = button.dataset;
  if (ask && !confirm(ask)) return;
  const told = await call(method, `${path}/${verb}${query}`, on ? { on: on === "true" } : undefined);
  say(told.done ?? `${told.name} was read again`);
  renew();
}

function line(text, severity) {
  const item = document.createElement("li");
  item.dataset.severity = severity;
  item.textContent = text;
  return item;
}

// What a guest there would meet; what can be repaired has its button.
async function check(button) {
  const { path, query } = button.parentElement.dataset;
  const list = button.closest(".card").querySelector(".verdicts");
  list.replaceChildren(line("Looking and asking; this takes some seconds.", "wait"));
  const repair = button.hasAttribute("data-repair");
  let told;
  try {
    told = repair ? await call("POST", `${path}/repair${query}`, {}) : await call("GET", `${path}/check${query}`);
  } catch (error) {
    list.replaceChildren(line(error.message, "fail"));
    return;
  }
  list.replaceChildren(...told.done.map((done) => line(`Made: ${done}.`, "good")), ...told.verdicts.map((verdict) => {
    return line(verdict.remedy && verdict.severity !== "good" ? `${verdict.sentence}. ${verdict.remedy}` : verdict.sentence, verdict.severity);
  }));
  const again = button.parentElement.querySelector("[data-repair]");
  again?.remove();
  if (!told.verdicts.some((verdict) => verdict.repairs.length)) return;
  const mend = Object.assign(document.createElement("button"), { type: "button", textContent: "Make guests netboot" });
  mend.dataset.repair = "";
  button.parentElement.append(mend);
}

document.querySelector("main").addEventListener("click", async (click) => {
  const button = click.target.closest(".card .switches button");
  if (!button) return;
  button.disabled = true;
  complain("");
  try {
    await (button.dataset.call ? act(button) : check(button));
  } catch (error) {
    complain(error.message);
  } finally {
    button.disabled = false;
  }
});
