// The page of the mirror: made by the server, and fetched again when what the API tells of it changes.

import { amount } from "./format.js";
import { say } from "./live.js";
import { poll } from "./poll.js";

const fault = document.getElementById("fault");
const checked = document.getElementById("checked");
const busy = new Set();
let known = null;

// What changes with every request of a guest is no reason to draw everything anew at once.
const seen = (mirror) => JSON.stringify(mirror, (key, value) => (["requests", "bytes"].includes(key) ? null : value));

function renew() {
  const request = new XMLHttpRequest();
  request.responseType = "document"; // parsed, never run
  request.addEventListener("load", () => {
    const page = request.response?.getElementById("page");
    if (request.status !== 200 || !page) return;
    const focused = document.activeElement?.closest("button");
    const place = focused && where(focused);
    document.getElementById("page").replaceWith(document.adoptNode(page));
    if (place) [...document.querySelectorAll("button")].find((button) => where(button) === place)?.focus();
  });
  request.open("GET", "/mirror");
  request.send();
}

const where = (button) => `${button.closest("[data-name]")?.dataset.name}/${button.dataset.put ?? "check"}`;

function take(mirror) {
  if (!mirror) return;
  const now = seen(mirror);
  if (known !== null && now !== known) renew();
  known = now;
}

function complain(sentence) {
  fault.textContent = sentence;
  fault.hidden = !sentence;
}

async function put(name, verb, on) {
  const path = name ? `${encodeURIComponent(name)}/${verb}` : verb;
  try {
    const answer = await fetch(`/api/v1/mirror/${path}`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ on }),
    });
    const body = await answer.json();
    complain(answer.ok ? "" : body.detail);
    if (answer.ok) say(body.done);
  } catch {
    complain("the service does not answer");
  }
}

function told(line, broken) {
  if (line.read) return `${line.read.files} files read, ${amount(line.read.size / 1024)}`;
  if (line.error) return line.error;
  const sum = line.verified;
  const text = `${sum.files} files read, ${amount(sum.size / 1024)}: ${sum.sound} sound, ${sum.unverified} unverified, ${sum.broken} broken`;
  return [text, ...broken].join("\n");
}

async function verify(name) {
  const broken = [];
  checked.hidden = false;
  checked.dataset.verdict = "";
  checked.textContent = "Reading what is kept";
  try {
    const answer = await fetch("/api/v1/mirror/verify", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ tree: name }),
    });
    if (!answer.ok) {
      checked.textContent = (await answer.json()).detail;
      return;
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines.map((text) => JSON.parse(text))) {
        if (line.file?.verdict === "broken") broken.push(`${line.file.path}: ${line.file.reason}`);
        if (!line.file) checked.textContent = told(line, broken);
      }
    }
    checked.dataset.verdict = broken.length ? "broken" : "sound";
  } catch {
    checked.textContent = "The service broke off its answer";
  }
}

document.querySelector("main").addEventListener("click", async (click) => {
  const button = click.target.closest("button");
  if (!button) return;
  const { name } = button.closest("[data-name]").dataset;
  const { put: verb, on } = button.dataset;
  const key = where(button);
  if (busy.has(key)) return; // not disabled meanwhile: that would take the focus away
  busy.add(key);
  try {
    await (verb ? put(name, verb, on === "true") : verify(name));
  } finally {
    busy.delete(key);
  }
  if (verb) renew();
});

poll(() => ["/api/v1/mirror", take], 3);
