// The page of a profile: the answer file that it would give as it stands in the form.

import { bodyOf } from "./edits.js";
import { call } from "./planned.js";

const form = document.getElementById("profile");
const sum = document.getElementById("sum");
const preview = document.getElementById("preview");
const findings = document.getElementById("findings");
const { name } = document.getElementById("page").dataset;
let turn = 0;
let timer = 0;

function line({ line: number, text, warning }) {
  const item = document.createElement("li");
  item.className = "verdict-line";
  item.dataset.severity = warning ? "warn" : "fail";
  item.textContent = number ? `line ${number}: ${text}` : text;
  return item;
}

async function look() {
  const mine = (turn += 1);
  try {
    const found = await call("POST", `/profiles/${encodeURIComponent(name)}/preview`, bodyOf(form));
    if (mine !== turn) return;
    const bad = found.findings.filter((one) => !one.warning).length;
    sum.textContent = bad ? "Its installer would not take this." : "Its installer would take this. Secrets are ***.";
    sum.dataset.severity = bad ? "fail" : "good";
    preview.textContent = found.text;
    findings.replaceChildren(...found.findings.map(line));
  } catch (error) {
    if (mine !== turn) return;
    sum.textContent = error.message;
    sum.dataset.severity = "fail";
    findings.replaceChildren();
  }
}

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, 350);
});
look();
