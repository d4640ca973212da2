// Fills the pages' own markup with an install or an event. Text is only ever set as text.

import { offset } from "./format.js";
import { elapsed, over } from "./live.js";

// Of these only the latest of a row is of interest.
const FOLDED = new Set(["tree.bytes", "progress"]);

export function field(element, name) {
  return element.querySelector(`[data-f="${name}"]`);
}

export function blank(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

export function fill(element, install) {
  const data = element.dataset;
  data.id = install.id;
  data.stage = install.stage;
  data.created = install.created;
  data.ended = over(install.stage) ? install.changed : "";
  field(element, "stage").textContent = install.stage;
  field(element, "percent").value = install.percent;
  field(element, "percent-text").textContent = `${install.percent} %`;
  field(element, "elapsed").textContent = elapsed(element);
  const reason = field(element, "reason");
  reason.textContent = install.reason;
  reason.hidden = !install.reason;
}

export function append(timeline, event, created, keep) {
  const line = blank("event-blank");
  line.dataset.kind = event.kind;
  const when = field(line, "when");
  when.dateTime = event.at;
  when.textContent = offset(event.at, created);
  field(line, "kind").textContent = event.kind;
  field(line, "text").textContent = event.text;
  const last = timeline.lastElementChild;
  if (last && last.dataset.kind === event.kind && FOLDED.has(event.kind)) last.replaceWith(line);
  else timeline.append(line);
  while (timeline.children.length > keep) timeline.firstElementChild.remove();
}
