// Forms and buttons that say in their own markup which call of the API they are, and how it is asked for first.

import { agreed, call } from "./planned.js";
import { read } from "./wish.js";

const fault = document.getElementById("fault");
const told = document.getElementById("told");

function show(place, text) {
  place.textContent = text;
  place.hidden = !text;
  if (text) place.scrollIntoView({ block: "nearest" });
}

// What a change did, told on the page as it is afterwards.
export function after(text, go = "") {
  if (text) sessionStorage.setItem("told", text);
  if (go) location.assign(go);
  else location.reload();
}

export async function attempt(button, act) {
  if (button) button.disabled = true;
  show(fault, "");
  try {
    await act();
  } catch (error) {
    show(fault, error.message);
  } finally {
    if (button) button.disabled = false;
  }
}

function done(element, answer) {
  const { go, gone } = element.dataset;
  const words = gone !== undefined ? `${answer.files} files are removed` : (element.dataset.done ?? answer.done ?? "Kept.");
  after(words, go?.replace("{name}", encodeURIComponent(answer.name ?? "")));
}

async function press(button) {
  const [method, path] = button.dataset.call.split(" ");
  const { ask, steps, doing } = button.dataset;
  if (ask && !(await agreed(ask, { steps: steps.split("|") }, doing))) return;
  const body = button.dataset.body ? JSON.parse(button.dataset.body) : undefined;
  await attempt(button, async () => done(button, await call(method, path, body)));
}

// The fields of a form as a body; those that are left empty are left out.
export function bodyOf(form) {
  const body = JSON.parse(form.dataset.fixed ?? "{}");
  for (const input of form.querySelectorAll("[name]")) {
    const found = read(input);
    if (found !== undefined) body[input.name] = found;
  }
  return body;
}

document.addEventListener("click", (click) => {
  const button = click.target.closest("button[data-call]");
  if (button) press(button);
});
for (const form of document.querySelectorAll("form[data-call]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const [method, path] = form.dataset.call.split(" ");
    attempt(form.querySelector('[type="submit"]'), async () => done(form, await call(method, path, bodyOf(form))));
  });
}
const before = sessionStorage.getItem("told");
sessionStorage.removeItem("told");
if (before) show(told, before);
