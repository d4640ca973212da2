// The grid's rows: made from the page's own markup, as many as were scrolled to, in the members' order.

import { span } from "./format.js";
import { now } from "./live.js";
import { rank } from "./members.js";
import { blank, field } from "./parts.js";

const STEP = 120;

export class Sheet {
  constructor(grid, end, seen) {
    this.grid = grid;
    this.rows = new Map();
    this.list = [];
    this.limit = STEP;
    this.seen = seen;
    for (const row of grid.children) this.adopt(row);
    new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) this.grow(this.limit + STEP);
    }, { rootMargin: "600px" }).observe(end);
  }

  adopt(row) {
    for (const link of row.querySelectorAll("a")) link.tabIndex = -1;
    this.rows.set(row.dataset.name, row);
    this.seen.observe(row);
    return row;
  }

  grow(limit) {
    if (this.limit >= this.list.length) return;
    this.limit = limit;
    this.lay();
  }

  show(list) {
    this.list = list;
    this.lay();
  }

  // Rows that stay where they are are not touched; a row that is moved keeps the focus.
  lay() {
    const focused = this.grid.contains(document.activeElement) ? document.activeElement : null;
    let at = this.grid.firstElementChild;
    for (const [index, member] of this.list.slice(0, this.limit).entries()) {
      let row = this.rows.get(member.name);
      if (!row) {
        row = this.adopt(named(blank("member-blank"), member));
        fill(row, member);
      }
      row.setAttribute("aria-rowindex", index + 1);
      if (row === at) at = at.nextElementSibling;
      else this.grid.insertBefore(row, at);
    }
    while (at) {
      const gone = at;
      at = at.nextElementSibling;
      this.rows.delete(gone.dataset.name);
      this.seen.unobserve(gone);
      gone.remove();
    }
    this.grid.setAttribute("aria-rowcount", this.list.length);
    if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  }
}

function named(row, member) {
  row.dataset.name = member.name;
  field(row, "name").textContent = member.name;
  field(row, "percent").setAttribute("aria-label", `Progress of ${member.name}`);
  field(row, "picture").setAttribute("aria-label", `Screen of ${member.name}`);
  return row;
}

function set(row, name, text) {
  const place = field(row, name);
  if (place.textContent !== text) place.textContent = text;
}

export function fill(row, member) {
  const { install } = member;
  const data = row.dataset;
  Object.assign(data, { kind: member.kind, state: member.state, rank: rank(member), stage: install?.stage ?? "" });
  data.screen = member.screen ? "yes" : "no";
  data.install = install?.id ?? "";
  const page = install ? `/install/${encodeURIComponent(install.id)}` : "/machines";
  field(row, "name").href = member.kind === "guest" ? `/guests/${encodeURIComponent(member.name)}` : page;
  field(row, "stage").href = page;
  set(row, "stage", install?.stage ?? "no install");
  set(row, "state", member.state || member.kind);
  set(row, "profile", member.profile);
  set(row, "address", member.address);
  set(row, "dark", member.state === "running" && !member.screen ? "no screen" : member.state || member.kind);
  const percent = install?.percent ?? 0;
  if (field(row, "percent").value !== percent) field(row, "percent").value = percent;
  set(row, "percent-text", install && data.rank === "running" ? `${percent} %` : "");
  if (data.rank !== "failed") set(row, "reason", "");
  else if (data.why !== install.id) set(row, "reason", sentence(install.reason ?? ""));
  field(row, "reason").hidden = data.rank !== "failed";
  field(row, "reason").title = install?.reason ?? "";
  tick(row, member);
}

// What is left where earlier installs tell it, and how long it has taken where they do not.
export function tick(row, { install }) {
  if (!install) return set(row, "left", "");
  const passed = ((install.ended ? Date.parse(install.ended) : now()) - Date.parse(install.created)) / 1000;
  const left = install.left_seconds - (now() - install.told) / 1000;
  const known = !install.ended && typeof install.left_seconds === "number" && left > 0;
  field(row, "left").title = install.slower || (known ? `after ${span(passed)}` : "");
  return set(row, "left", known ? `${span(left)} left` : span(passed));
}

export function sentence(text) {
  return /^.*?[.!?](?=\s|$)/s.exec(text)?.[0] ?? text;
}
