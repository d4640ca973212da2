// What an install's time went into, beside earlier installs of its profile.

import { span } from "./format.js";
import { over } from "./live.js";
import { call } from "./planned.js";

const section = document.getElementById("budget");

// `about 2 m 05 s left`, or from least to most where that is wide; as the server writes it.
export function left({ stage, left_seconds: likely, left_least: least, left_most: most }) {
  if (over(stage) || [likely, least, most].some((one) => one === null || one === undefined)) return "";
  return most - least <= Math.max(10, likely / 2) ? `about ${span(likely)} left` : `${span(least)} to ${span(most)} left`;
}

function difference(row) {
  if (row.difference === null || row.runs) return "";
  const seconds = Math.abs(row.difference) < 1 ? 0 : row.difference;
  return seconds ? `${span(Math.abs(seconds))} ${seconds > 0 ? "longer" : "shorter"}` : "as usual";
}

function line(row) {
  const element = document.createElement("tr");
  if (row.late) element.dataset.tone = "bad";
  const usual = row.usual ? `${span(row.usual.median)} (${span(row.usual.low)} to ${span(row.usual.high)})` : "";
  const took = row.took === null ? "" : `${span(row.took)}${row.runs ? " so far" : ""}`;
  for (const text of [row.stage, took, usual, difference(row), row.change?.text ?? ""]) element.insertCell().textContent = text;
  return element;
}

export async function budget(here) {
  const told = await call("GET", `${here}/budget`).catch(() => null);
  section.hidden = !told?.compared;
  if (section.hidden) return;
  document.getElementById("compared").textContent = `median of ${told.compared}${told.expected === null ? "" : `, ${span(told.expected)} in all`}`;
  document.getElementById("stages").replaceChildren(...told.stages.map(line));
}
