// The page of a tree: fetched ahead after its plan was read.

import { after, attempt } from "./edits.js";
import { amount } from "./format.js";
import { agreed, call, several } from "./planned.js";

const form = document.getElementById("sync");
const { name } = document.getElementById("page").dataset;
const place = document.getElementById("synced");
const size = (bytes) => amount(bytes / 1024);

async function sync() {
  const { value } = form.elements.what;
  const body = value === "*" ? { full: true } : { profile: value };
  const path = `/mirror/${encodeURIComponent(name)}`;
  const plan = await call("POST", `${path}/plan`, body);
  const time = plan.seconds === null ? "" : `, about ${Math.ceil(plan.seconds)} s`;
  const steps = [`${plan.files} files are fetched, ${size(plan.size)}${plan.unsized ? " and more" : ""}${time}`, `${plan.kept} of ${plan.total_files} files are here already`];
  const warnings = plan.unresolved.length ? [`no package of the tree is called ${plan.unresolved.join(", ")}`] : [];
  if (!(await agreed(`Fetch ${name} ahead?`, { steps, warnings }, "Fetch it"))) return;
  for await (const { progress, synced, error, remedy } of several(`/api/v1${path}/sync`, body)) {
    if (error) throw new Error([error, remedy].filter(Boolean).join("; "));
    const now = progress ?? synced;
    if (now) place.textContent = `${now.files} of ${now.of_files} files, ${size(now.size)}`;
    if (synced) after(`${synced.files} files are here${synced.failed ? `; ${synced.failed} could not be had: ${synced.problem}` : ""}`);
  }
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(form.querySelector('[type="submit"]'), sync);
});
