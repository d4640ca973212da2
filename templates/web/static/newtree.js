// How a source would be recognised, before it is made known.

import { attempt } from "./edits.js";
import { call } from "./planned.js";

const place = document.getElementById("recognised");
const source = document.getElementById("source");
const look = document.getElementById("look");

look.addEventListener("click", () => attempt(look, async () => {
  place.hidden = false;
  place.dataset.severity = "warn";
  place.textContent = "Looking";
  try {
    const found = await call("POST", "/trees/explain", { source: source.value.trim() });
    const bad = Boolean(found.refusal);
    place.dataset.severity = bad ? "fail" : "good";
    place.textContent = bad ? [found.refusal, found.remedy].filter(Boolean).join("\n") : `${found.family} ${found.release}, ${found.arch}, at ${found.source}`;
  } catch (error) {
    place.hidden = true;
    throw error;
  }
}));
