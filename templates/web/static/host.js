// The page of one host: its state, and in the overview CPU and memory with their last two minutes.

import { amount } from "./format.js";
import { say } from "./live.js";
import { field } from "./parts.js";
import { fillLoad, fillState, poll } from "./poll.js";

const SECONDS = 2;
const KEEP = 60;
const page = document.getElementById("page");
const path = `/api/v1/hosts/${encodeURIComponent(page.dataset.name)}`;
const traces = { cpu: [], memory: [] };

function draw(name) {
  const canvas = document.getElementById(`trace-${name}`);
  const scale = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  const step = width / (KEEP - 1);
  const values = traces[name];
  const left = width - (values.length - 1) * step;
  const y = (value) => height - scale - (value / 100) * (height - 2 * scale);
  pen.clearRect(0, 0, width, height);
  pen.beginPath();
  values.forEach((value, index) => pen.lineTo(left + index * step, y(value)));
  pen.strokeStyle = style.color;
  pen.lineWidth = 1.5 * scale;
  pen.stroke();
  pen.lineTo(width, height);
  pen.lineTo(left, height);
  pen.globalAlpha = 0.14;
  pen.fillStyle = style.color;
  pen.fill();
  pen.globalAlpha = 1;
}

function state(next, reason) {
  if (page.dataset.state !== next) say(`${page.dataset.name}: ${next}`);
  fillState(page, next, reason);
}

function takeLoad(load, reason) {
  if (!load) {
    state("down", reason);
    return;
  }
  const memory = fillLoad(page, load);
  field(page, "guests").textContent = `${load.running} running, ${load.vcpus} vCPUs, ${amount(load.lent)}`;
  for (const [name, value] of [["cpu", load.cpu], ["memory", memory]]) {
    traces[name].push(value);
    if (traces[name].length > KEEP) traces[name].shift();
    draw(name);
  }
}

function takeState(hosts) {
  const mine = (hosts ?? []).find((host) => host.name === page.dataset.name);
  if (!mine) return;
  if (page.dataset.state === "down" && mine.state === "up") location.reload(); // its facts were not there before
  else state(mine.state, mine.reason);
}

const overview = document.getElementById("trace-cpu");
poll(() => (overview && page.dataset.state === "up" ? [`${path}/load`, takeLoad] : ["/api/v1/hosts", takeState]), SECONDS);
