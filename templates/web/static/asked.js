// What a machine asked for while it booted and what it was given, as a table that can be narrowed.

import { offset } from "./format.js";
import { framed } from "./frame.js";
import { ROWS, rowOf, tone } from "./marks.js";

const DOORS = new Set(["dhcp", "tftp", "http", "answer", "tree"]);
const KEEP = 500;
const SAID = new Set(["percent", "remedy"]); // told elsewhere

function amount(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  const power = Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(1)} ${["", "kB", "MB", "GB"][power]}`;
}

function word(key, value) {
  if (value === null || value === "" || typeof value === "object") return Array.isArray(value) && value.length ? `${key} ${value.join(" ")}` : "";
  if (key === "total" && !value) return "";
  if (key === "n") return value ? `${value} whole` : "";
  if (["bytes", "sent", "total"].includes(key)) return `${key === "bytes" ? "" : `${key} `}${amount(value)}`;
  if (key === "seconds") return `${Number(value).toFixed(2)} s`;
  return `${key.replaceAll("_", " ")} ${value}`;
}

export const details = (data) =>
  Object.entries(data).filter(([key]) => !SAID.has(key)).map(([key, value]) => word(key, value)).filter(Boolean).join(", ");

export class Asked {
  constructor(body, { filter, count, created }) {
    Object.assign(this, { body, filter, count, created, last: null });
    this.soon = framed(() => this.narrow());
    filter.addEventListener("input", () => this.narrow());
  }

  add(event) {
    const door = rowOf(event);
    if (!DOORS.has(door)) return;
    const line = document.createElement("tr");
    line.dataset.tone = tone(event.kind);
    for (const text of [offset(event.at, this.created), ROWS.get(door), event.kind, event.text, details(event.data)]) {
      line.insertCell().textContent = text;
    }
    const of = event.data.part ?? event.data.path;
    const same = event.kind === "tree.bytes" && this.last?.kind === event.kind && this.last.of === of;
    if (same) this.body.lastElementChild.replaceWith(line);
    else this.body.append(line);
    this.last = { kind: event.kind, of };
    while (this.body.children.length > KEEP) this.body.firstElementChild.remove();
    this.soon();
  }

  narrow() {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const line of this.body.children) {
      const text = line.textContent.toLowerCase();
      line.hidden = !words.every((one) => text.includes(one));
      shown += !line.hidden;
    }
    const all = this.body.children.length;
    this.count.textContent = shown === all ? `${all} lines` : `${shown} of ${all} lines`;
  }
}
