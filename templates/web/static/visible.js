// What only visible rows are given: pictures of their screens, and why they failed. One request at a time.

import { field } from "./parts.js";
import { sentence } from "./sheet.js";

const PICTURE_SECONDS = 5;
const WIDTH = 480;
const seen = new Set();
const marks = new WeakMap();

export const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) seen.add(entry.target);
    else seen.delete(entry.target);
  }
});

async function photograph(row) {
  const known = marks.get(row);
  const answer = await fetch(`/api/v1/guests/${encodeURIComponent(row.dataset.name)}/screenshot`, {
    cache: "no-store",
    headers: known?.etag ? { "If-None-Match": known.etag } : {},
  });
  marks.set(row, { etag: answer.headers.get("ETag"), at: Date.now() });
  if (!answer.ok) return;
  const picture = await createImageBitmap(await answer.blob());
  const canvas = field(row, "picture");
  [canvas.width, canvas.height] = [WIDTH, Math.round((WIDTH * picture.height) / picture.width)];
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  canvas.hidden = false;
  field(row, "dark").hidden = true;
}

function darken(row) {
  if (field(row, "picture").hidden) return;
  field(row, "picture").hidden = true;
  field(row, "dark").hidden = false;
  marks.delete(row);
}

async function explain(row) {
  const { install } = row.dataset;
  row.dataset.why = install;
  const answer = await fetch(`/api/v1/installs/${encodeURIComponent(install)}/why`);
  if (!answer.ok) return;
  const why = await answer.json();
  if (why.cause && row.dataset.install === install) field(row, "reason").textContent = sentence(why.cause);
}

// The rows that can be seen, those first that waited longest.
async function turn(pictures) {
  for (const row of seen) {
    if (!row.isConnected) seen.delete(row);
    else if (row.dataset.rank === "failed" && row.dataset.why !== row.dataset.install) await explain(row);
  }
  const lit = [];
  for (const row of seen) {
    if (row.dataset.state === "running" && row.dataset.screen === "yes") lit.push(row);
    else darken(row);
  }
  if (!pictures()) return;
  const at = (row) => marks.get(row)?.at ?? 0;
  const due = lit.filter((row) => Date.now() - at(row) >= PICTURE_SECONDS * 1000).sort((a, b) => at(a) - at(b));
  for (const row of due.slice(0, 4)) if (seen.has(row)) await photograph(row);
}

export function watch(pictures) {
  let busy = false;
  setInterval(async () => {
    if (busy || document.hidden) return;
    busy = true;
    try {
      await turn(pictures);
    } catch {
      // the light tells that the service is away
    } finally {
      busy = false;
    }
  }, 500);
}
