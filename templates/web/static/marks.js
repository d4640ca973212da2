// What a waterfall shows of events: a row for each source, a bar for each transfer, a mark for the rest.

export const ROWS = new Map([
  ["dhcp", "DHCP"],
  ["tftp", "TFTP"],
  ["http", "HTTP boot"],
  ["answer", "Answer file"],
  ["tree", "Tree"],
  ["syslog", "Installer log"],
  ["console", "Serial console"],
  ["anaconda", "Anaconda"],
  ["report", "Reports"],
  ["libvirt", "libvirt"],
  ["service", "Service"],
]);
// Other words for the same source.
const SAME = new Map([
  ["netboot", "service"], ["watchdog", "service"], ["serial", "console"], ["virtio", "anaconda"], ["screen", "libvirt"],
]);
const BAD = new Set([
  "failed", "deadline", "create-failed", "alarm", "dhcp.rival", "dhcp.unanswered", "loader.failed", "loader.refused",
  "loader.foreign", "tree.failed", "answer.refused",
]);
const GOOD = new Set(["succeeded", "first-boot", "done", "settled"]);
const REPORTED = new Set(["succeeded", "failed", "progress", "first-boot"]);
const SENT = new Set(["loader.sent", "kernel.sent", "initrd.sent", "tree.bytes"]);
const WHOLE = new Set(["kernel.sent", "initrd.sent"]);
const TOUCHING = 4; // pixels: what is nearer is one mark

export function rowOf({ kind, source }) {
  if (kind.startsWith("answer.")) return "answer";
  if (kind.startsWith("tree.")) return "tree";
  if (kind.startsWith("dhcp.")) return "dhcp";
  if (source === "http" && REPORTED.has(kind)) return "report";
  if (source === "http" && kind === "log") return "syslog";
  return SAME.get(source) ?? (source || "service");
}

export const tone = (kind) => (BAD.has(kind) ? "bad" : GOOD.has(kind) ? "good" : "plain");

// What a transfer is of: a part of the system (all its packages are one), else a file.
const fileOf = ({ data }) => data.part ?? data.path ?? data.file ?? "";

// One event as what is drawn of it: `from` and `to` in milliseconds, alike where it took no time.
export function mark(event) {
  const to = Date.parse(event.at);
  const seconds = Number(event.data.seconds) || 0;
  const takes = SENT.has(event.kind) || event.source === "tftp";
  return {
    row: rowOf(event), from: takes ? to - seconds * 1000 : to, to, tone: event.data.sign ? "bad" : tone(event.kind), kind: event.kind,
    file: SENT.has(event.kind) ? fileOf(event) : "", text: event.text, at: event.at, count: 1,
  };
}

// Marks by row, each row in the order of time. What is told of one file while it comes is one bar.
export class Marks {
  constructor() {
    this.rows = new Map();
    this.last = 0;
  }

  add(event) {
    const fresh = mark(event);
    const row = this.rows.get(fresh.row) ?? [];
    this.rows.set(fresh.row, row);
    this.last = Math.max(this.last, fresh.to);
    if (WHOLE.has(event.kind)) this.adopt(fresh);
    const grows = (one) => one.file === fresh.file && one.kind === "tree.bytes";
    const same = fresh.file ? row.findLastIndex(grows) : -1;
    if (same >= 0) {
      const [known] = row.splice(same, 1);
      fresh.from = Math.min(known.from, fresh.from);
      fresh.count += known.count;
    }
    const before = row[row.length - 1];
    row.push(fresh);
    if (before && before.to > fresh.to) row.sort((one, other) => one.to - other.to);
  }

  // A kernel or initrd by HTTP was a file of the tree like others until its last byte.
  adopt(fresh) {
    const tree = this.rows.get("tree") ?? [];
    const at = tree.findLastIndex((one) => one.file === fresh.file);
    if (at < 0) return;
    fresh.from = Math.min(fresh.from, tree[at].from);
    fresh.count += tree[at].count;
    tree.splice(at, 1);
    if (!tree.length) this.rows.delete("tree");
  }

  // The rows that have something, known ones in their order, each with at most a mark every few pixels.
  drawn(x, begin, end) {
    const names = [...ROWS.keys(), ...[...this.rows.keys()].filter((name) => !ROWS.has(name)).sort()];
    return names.filter((name) => this.rows.has(name)).map((name) => ({
      name, label: ROWS.get(name) ?? name, marks: folded(this.rows.get(name), x, begin, end),
    }));
  }
}

function folded(row, x, begin, end) {
  const found = [];
  for (const one of row) {
    if (one.to < begin || one.from > end) continue;
    const last = found[found.length - 1];
    const near = last && x(one.from) - x(last.to) < TOUCHING;
    if (near && last.tone === one.tone && !last.file && !one.file) {
      last.to = one.to;
      last.count += one.count;
      last.text = one.text;
      last.at = one.at;
      last.kind = one.kind;
    } else {
      found.push({ ...one });
    }
  }
  return found;
}
