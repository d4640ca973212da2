// Guests and machines as the page knows them: what of them is wanted, and in which order.

import { now } from "./live.js";

const RANKS = ["failed", "running", "installed", "idle"];
const RANKED = { failed: "failed", installed: "installed", cancelled: "idle" };
const SHORT = ["name", "kind", "state", "profile", "host", "lab", "address", "screen"];

export const WORDS = ["q", "stage", "host", "lab", "profile", "sort"];

export function rank(member) {
  return member.install ? (RANKED[member.install.stage] ?? "running") : "idle";
}

function has(member, wanted) {
  if (wanted.stage && wanted.stage !== rank(member) && wanted.stage !== member.install?.stage) return false;
  for (const word of ["host", "lab", "profile"]) if (wanted[word] && wanted[word] !== member[word]) return false;
  const text = [member.name, member.profile, member.address, member.state, member.lab].join(" ").toLowerCase();
  return (wanted.q ?? "").toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

const KEYS = {
  name: () => 0,
  newest: (member) => -(member.install ? Date.parse(member.install.created) : 0),
  progress: (member) => (member.install ? member.install.percent : 101),
  attention: (member) => RANKS.indexOf(rank(member)),
};

export class Members {
  constructor() {
    this.byName = new Map();
    this.early = new Map(); // installs whose guest the board has not told yet
  }

  // All of the board, or in short: what hypervisors say, without installs. `stale`: what the stream told is
  // newer than the board's installs. Gives the names that came or changed.
  take(board, { short, stale }) {
    const there = new Set();
    const changed = new Set();
    for (const told of board.members) {
      there.add(told.name);
      const known = this.byName.get(told.name);
      if (!known) {
        this.byName.set(told.name, { ...told, install: null });
        const run = told.install ?? this.early.get(told.name);
        if (run) this.put(this.byName.get(told.name), run);
        changed.add(told.name);
        continue;
      }
      if (SHORT.some((key) => known[key] !== told[key])) changed.add(told.name);
      for (const key of SHORT) known[key] = told[key];
      const run = told.install;
      if (run && !(stale && known.install?.id === run.id) && this.put(known, run)) changed.add(told.name);
    }
    for (const name of this.byName.keys()) if (!there.has(name)) this.byName.delete(name);
    for (const name of there) this.early.delete(name);
    if (this.early.size > 1000) this.early.clear();
    return changed;
  }

  put(member, install) {
    const known = member.install;
    if (known && known.id !== install.id && Date.parse(known.created) > Date.parse(install.created)) return false;
    member.install = { ...install, ended: install.stage in RANKED ? install.changed : "", told: now() };
    return true;
  }

  // One install from the stream; gives its member, null where nobody has told of it yet.
  update(install) {
    const member = this.byName.get(install.guest);
    if (member) this.put(member, install);
    else this.early.set(install.guest, install);
    return member ?? null;
  }

  choose(wanted) {
    const key = KEYS[wanted.sort] ?? KEYS.attention;
    const found = [...this.byName.values()].filter((member) => has(member, wanted));
    const keyed = found.map((member) => [key(member), member]);
    keyed.sort(([a, one], [b, other]) => a - b || (one.name < other.name ? -1 : 1));
    return keyed.map(([, member]) => member);
  }

  counts() {
    const counts = { all: this.byName.size, failed: 0, running: 0, installed: 0, idle: 0 };
    for (const member of this.byName.values()) counts[rank(member)] += 1;
    return counts;
  }

  values(word) {
    return [...new Set([...this.byName.values()].map((member) => member[word]))].filter(Boolean).sort();
  }
}
