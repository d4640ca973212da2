// An install as a waterfall: sources down, time across, stages behind. The list below it says the same in words.

import { offset, span } from "./format.js";
import { framed } from "./frame.js";
import { Marks } from "./marks.js";

const SVG = "http://www.w3.org/2000/svg";
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
const NARROW = 560;
const LABEL = 116;
const AXIS = 22;
const NAMES = 18; // pixels below, for the stages' names
const REACH = 14; // pixels around the pointer

function draw(parent, name, attributes, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  parent.append(element);
  return element;
}

export class Waterfall {
  // `stages` are { name, began } in their order, `until` gives the present moment of the install in milliseconds.
  constructor(figure, { created, stages, until, onPick }) {
    this.figure = figure;
    this.svg = figure.querySelector("svg") ?? draw(figure, "svg", { "aria-hidden": "true", focusable: "false" });
    this.readout = document.getElementById(figure.dataset.readout);
    this.zooms = document.getElementById(figure.dataset.zooms);
    Object.assign(this, { created, stages, until, onPick, marks: new Marks(), stage: "", here: null, rows: [] });
    this.soon = framed(() => this.render());
    figure.addEventListener("pointermove", (event) => this.point(event));
    figure.addEventListener("click", () => this.here && this.onPick(this.mark()));
    figure.addEventListener("keydown", (event) => this.key(event));
    figure.addEventListener("focus", () => this.here ?? this.step(0));
    this.zooms.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.zoom(button.dataset.stage);
    });
    new ResizeObserver(() => this.soon()).observe(figure);
  }

  add(event) {
    this.marks.add(event);
    this.soon();
  }

  enter(name, began) {
    if (this.stages.some((stage) => stage.name === name && stage.began)) return;
    this.stages = this.stages.map((stage) => (stage.name === name ? { name, began } : stage));
    this.soon();
  }

  zoom(stage) {
    this.stage = this.stage === stage ? "" : stage;
    this.here = null;
    this.soon();
  }

  // Each stage that was entered with its end; the last one lasts until now.
  bands() {
    const entered = this.stages.filter((stage) => stage.began);
    const end = Math.max(this.until(), this.marks.last, this.created + 1000);
    return entered.map((stage, index) => ({
      name: stage.name,
      from: Date.parse(stage.began),
      to: index + 1 < entered.length ? Date.parse(entered[index + 1].began) : end,
    }));
  }

  render() {
    const width = this.figure.clientWidth;
    if (!width) return;
    const bands = this.bands();
    const zoomed = bands.find((band) => band.name === this.stage);
    const begin = zoomed ? zoomed.from : this.created;
    const end = Math.max(zoomed ? zoomed.to : (bands.at(-1)?.to ?? this.until()), this.marks.last * !zoomed, begin + 1000);
    const narrow = width < NARROW;
    const [left, height] = narrow ? [2, 34] : [LABEL, 24];
    const x = (at) => left + ((width - left - 10) * (Math.min(end, Math.max(begin, at)) - begin)) / (end - begin);
    this.rows = this.marks.drawn(x, begin, end);
    this.layout = { x, left, height, narrow };
    const tall = AXIS + this.rows.length * height + NAMES;
    this.svg.replaceChildren();
    for (const [key, value] of Object.entries({ width, height: tall, viewBox: `0 0 ${width} ${tall}` })) this.svg.setAttribute(key, value);
    this.ground(bands, begin, end, width, tall);
    for (const [index, row] of this.rows.entries()) this.row(row, AXIS + index * height);
    this.focus();
    this.buttons(bands);
  }

  ground(bands, begin, end, width, tall) {
    const { x, left } = this.layout;
    for (const [index, band] of bands.entries()) {
      if (band.to <= begin || band.from >= end) continue;
      const wide = x(band.to) - x(band.from);
      draw(this.svg, "rect", { class: `band ${index % 2 ? "odd" : "even"}`, x: x(band.from), y: AXIS, width: Math.max(0, wide), height: tall - AXIS });
      if (wide > 7 * band.name.length) draw(this.svg, "text", { class: "name", x: x(band.from) + 4, y: tall - 5 }, band.name);
    }
    const seconds = (end - begin) / 1000;
    const most = Math.max(2, Math.floor((width - left) / 90));
    const step = STEPS.find((candidate) => seconds / candidate <= most) ?? Math.ceil(seconds / most / 86400) * 86400;
    const shift = (begin - this.created) / 1000;
    for (let at = Math.ceil(shift / step) * step; at <= shift + seconds; at += step) {
      const place = x(this.created + at * 1000);
      draw(this.svg, "line", { class: "tick", x1: place, x2: place, y1: AXIS - 4, y2: tall });
      const last = place > width - 50;
      draw(this.svg, "text", { class: "time", x: last ? width - 4 : place + 3, y: 12, "text-anchor": last ? "end" : "start" }, `+${span(at)}`);
    }
  }

  row(row, top) {
    const { x, height, narrow } = this.layout;
    const middle = narrow ? top + 23 : top + height / 2;
    draw(this.svg, "text", { class: "source", x: narrow ? 4 : 2, y: narrow ? top + 11 : middle + 4 }, row.label);
    for (const one of row.marks) {
      const wide = x(one.to) - x(one.from);
      one.x = x(one.to);
      one.y = middle;
      if (wide > 3 || one.file) {
        draw(this.svg, "rect", { class: `span ${one.tone}`, x: x(one.from), y: middle - 5, width: Math.max(3, wide), height: 10, rx: 2 });
        one.x = x(one.from) + Math.max(3, wide) / 2;
      } else if (one.tone === "bad") {
        draw(this.svg, "path", { class: "spot bad", d: `M${one.x} ${middle - 6}l6 11h-12z` });
      } else {
        draw(this.svg, "circle", { class: `spot ${one.tone}`, cx: one.x, cy: middle, r: one.count > 1 ? 5 : 4 });
      }
    }
  }

  // The mark that is looked at, found again by its time after everything was drawn anew.
  focus() {
    const one = this.mark();
    this.halo?.remove();
    if (!one) return;
    this.halo = draw(this.svg, "circle", { class: "halo", cx: one.x, cy: one.y, r: 9 });
  }

  mark() {
    if (!this.here) return null;
    const row = this.rows.find((candidate) => candidate.name === this.here.row);
    return row?.marks.find((one) => Date.parse(one.at) >= this.here.at) ?? row?.marks.at(-1) ?? null;
  }

  look(one, row) {
    this.here = one && { row: row.name, at: Date.parse(one.at) };
    this.focus();
    if (!one) return;
    const took = one.to - one.from > 100 ? ` (${((one.to - one.from) / 1000).toFixed(1)} s)` : "";
    const many = one.count > 1 ? `, the latest of ${one.count} here` : "";
    const words = [offset(one.at, new Date(this.created).toISOString()), `${row.label}:`, one.kind, one.text];
    this.readout.textContent = `${words.filter(Boolean).join(" ")}${took}${many}`;
    this.readout.dataset.tone = one.tone;
  }

  point(event) {
    if (!this.layout) return;
    const box = this.svg.getBoundingClientRect();
    const at = event.clientX - box.left;
    const row = this.rows[Math.floor((event.clientY - box.top - AXIS) / this.layout.height)];
    const near = (one) => Math.max(0, this.layout.x(one.from) - at, at - this.layout.x(one.to));
    const best = row?.marks.reduce((one, other) => (one && near(one) <= near(other) ? one : other), null);
    if (best && near(best) <= REACH) this.look(best, row);
  }

  step(by) {
    const row = this.rows.find((candidate) => candidate.name === this.here?.row) ?? this.rows[0];
    if (!row) return;
    const at = row.marks.indexOf(this.mark());
    this.look(row.marks[Math.min(row.marks.length - 1, Math.max(0, at + by))], row);
  }

  climb(by) {
    const at = this.rows.findIndex((candidate) => candidate.name === this.here?.row);
    const row = this.rows[Math.min(this.rows.length - 1, Math.max(0, at + by))];
    const from = this.here?.at ?? this.created;
    const nearest = (one, other) => (Math.abs(one.to - from) <= Math.abs(other.to - from) ? one : other);
    if (row?.marks.length) this.look(row.marks.reduce(nearest), row);
  }

  key(event) {
    const acts = {
      ArrowRight: () => this.step(1), ArrowLeft: () => this.step(-1), ArrowDown: () => this.climb(1), ArrowUp: () => this.climb(-1),
      Home: () => this.step(-1e6), End: () => this.step(1e6), Enter: () => this.here && this.onPick(this.mark()), Escape: () => this.stage && this.zoom(this.stage),
    };
    if (!acts[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    acts[event.key]();
  }

  buttons(bands) {
    const names = ["", ...bands.filter((band) => band.to - band.from > 500).map((band) => band.name)];
    const known = [...this.zooms.children].map((button) => button.dataset.stage);
    if (names.join() !== known.join()) {
      const focused = document.activeElement?.dataset?.stage;
      this.zooms.replaceChildren(...names.map((name) => {
        const button = document.createElement("button");
        Object.assign(button, { type: "button", textContent: name || "whole run" });
        button.dataset.stage = name;
        return button;
      }));
      [...this.zooms.children].find((button) => button.dataset.stage === focused)?.focus();
    }
    for (const button of this.zooms.children) button.setAttribute("aria-pressed", String(button.dataset.stage === this.stage));
  }
}
