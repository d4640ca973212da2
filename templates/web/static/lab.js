// The page of the lab: every guest and machine, live.

import { plan } from "./deeds.js";
import { framed } from "./frame.js";
import { follow, position, say, show } from "./live.js";
import { Members, rank, WORDS } from "./members.js";
import { Selection } from "./selection.js";
import { fill, Sheet, tick } from "./sheet.js";
import { observer, watch } from "./visible.js";

const LOOK_SECONDS = 3;
const WHOLE_SECONDS = 15; // while something installs: its percentage and what is left follow the clock
const TILES = 60; // more than so many are a list, unless somebody wants it otherwise
const grid = document.getElementById("members");
const form = document.getElementById("filters");
const deeds = document.getElementById("deeds");
const members = new Members();
const sheet = new Sheet(grid, document.getElementById("end"), observer);
const selection = new Selection(sheet, selected);
const dirty = new Set();
const told = new Map();
const before = new Map();
let etag = "";
let complete = false;
let renewed = 0;
let order = false; // whether rows have to be laid anew
const redraw = framed(draw);

const wanted = () => Object.fromEntries(WORDS.map((word) => [word, form.elements[word].value]));

function selected(names) {
  deeds.hidden = names.length === 0;
  document.getElementById("selected").textContent = `${names.length} selected`;
}

function soon(name) {
  if (name) dirty.add(name);
  redraw();
}

function draw() {
  for (const name of dirty) {
    const [row, member] = [sheet.rows.get(name), members.byName.get(name)];
    if (row && member) fill(row, member);
  }
  dirty.clear();
  if (order) lay();
}

function lay() {
  order = false;
  const list = members.choose(wanted());
  sheet.show(list);
  selection.keep();
  const chosen = form.elements.view.value;
  grid.dataset.view = chosen || (list.length > TILES ? "list" : "tiles");
  grid.hidden = list.length === 0;
  document.getElementById("empty").hidden = members.byName.size > 0;
  document.getElementById("nothing").hidden = list.length > 0 || members.byName.size === 0;
  for (const [name, count] of Object.entries(members.counts())) {
    document.getElementById(`count-${name}`).textContent = count;
  }
  for (const word of ["host", "lab", "profile"]) offer(form.elements[word], members.values(word));
}

function offer(select, values) {
  const there = [...select.options].slice(1).map((option) => option.value);
  const all = select.value && !values.includes(select.value) ? [...values, select.value].sort() : values;
  select.hidden = values.length < 2 && !select.value;
  if (there.join("\n") === all.join("\n")) return;
  const { value } = select;
  select.replaceChildren(select.options[0], ...all.map((text) => new Option(text, text)));
  select.value = value;
}

// What the pages' address says is what the page shows, and the other way round.
function remember() {
  const words = new URLSearchParams();
  for (const [word, value] of Object.entries({ ...wanted(), view: form.elements.view.value })) {
    if (value && !(word === "sort" && value === "attention")) words.set(word, value);
  }
  history.replaceState(null, "", words.size ? `/?${words}` : "/");
  sheet.limit = 120;
  lay();
}

function news(name, install) {
  const stage = before.get(install.id);
  before.set(install.id, install.stage);
  if (stage === undefined || stage === install.stage) return;
  if (!told.size) setTimeout(announce, 1000);
  told.set(name, install.stage);
}

function announce() {
  const all = [...told];
  const failed = all.filter(([, stage]) => stage === "failed").length;
  say(all.length > 3 ? `${all.length} installs went on, ${failed} failed` : all.map(([name, stage]) => `${name}: ${stage}`).join("; "));
  told.clear();
}

function onInstall(install) {
  const member = members.byName.get(install.guest);
  const was = member ? rank(member) : "";
  if (!members.update(install)) {
    look(true);
    return;
  }
  news(install.guest, install);
  if (was !== rank(member) || form.elements.stage.value || form.elements.sort.value === "progress") order = true;
  soon(install.guest);
}

async function board(short) {
  const answer = await fetch(`/api/v1/board${short ? "?short=1" : ""}`, {
    cache: "no-store",
    headers: short && etag ? { "If-None-Match": etag } : {},
  });
  if (answer.status === 304) return null;
  if (!answer.ok) throw new Error(answer.statusText);
  if (short) etag = answer.headers.get("ETag");
  return answer.json();
}

let looking = null;
let once = false;

// Hypervisors are asked by the service, once for all who look.
function look(again) {
  once ||= Boolean(again && looking);
  looking ??= take(complete).catch(() => {}).finally(() => {
    looking = null;
    if (once) setTimeout(look, 300);
    once = false;
  });
  return looking;
}

async function take(short) {
  const found = await board(short);
  if (!found) return;
  const count = members.byName.size;
  const stale = !short && found.after < position();
  const changed = members.take(found, { short, stale });
  for (const name of changed) {
    const { install } = members.byName.get(name);
    if (install) news(name, install);
    soon(name);
  }
  // Who came without an install that anybody told of is asked for as a whole; so is what was renewed meanwhile.
  if (short) complete = ![...changed].some((name) => !members.byName.get(name).install);
  else complete = found.after >= renewed;
  if (changed.size || count !== members.byName.size) order = true;
  soon();
}

deeds.addEventListener("click", (click) => {
  const verb = click.target.closest("[data-deed]")?.dataset.deed;
  const chosen = [...selection.names].map((name) => members.byName.get(name)).filter(Boolean);
  if (verb === "clear") selection.clear();
  else if (verb && chosen.length) plan(verb, chosen, () => look(true));
});
form.addEventListener("submit", (submit) => submit.preventDefault());
form.addEventListener("input", remember);
document.addEventListener("keydown", (press) => {
  const typing = press.target.closest("input, select, textarea, dialog");
  if (press.key === "/" && !typing) {
    press.preventDefault();
    form.elements.q.focus();
  } else if (press.key === "Escape" && press.target === form.elements.q && form.elements.q.value) {
    form.elements.q.value = "";
    remember();
  }
});
setInterval(() => {
  for (const [name, row] of sheet.rows) if (row.dataset.rank === "running") tick(row, members.byName.get(name) ?? {});
}, 1000);
setInterval(() => { if (!document.hidden) look(); }, LOOK_SECONDS * 1000);
setInterval(() => { if (members.counts().running) complete = false; }, WHOLE_SECONDS * 1000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
watch(() => grid.dataset.view === "tiles");
selection.keep();
look().then(() => follow({ brief: "1" }, () => {}, onInstall, () => {
  complete = false;
  renewed = position();
  look(true);
}));
show("connecting", "connecting");
