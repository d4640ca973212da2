// A question with the plan of what will be done, before it is done.

const box = document.getElementById("planned");

function part(name) {
  return box.querySelector(`[data-p="${name}"]`);
}

function list(place, lines) {
  place.replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    return item;
  }));
  place.hidden = !lines.length;
}

// Asks with `plan` { steps, warnings, xml }; gives whether it was agreed to.
export function agreed(title, plan, doing) {
  part("title").textContent = title;
  list(part("steps"), plan.steps ?? []);
  list(part("warnings"), plan.warnings ?? []);
  part("xml-part").hidden = !plan.xml;
  part("xml").textContent = plan.xml ?? "";
  part("do").textContent = doing;
  box.returnValue = "";
  box.showModal();
  return new Promise((resolve) => {
    box.addEventListener("close", () => resolve(box.returnValue === "do"), { once: true });
  });
}

// What a rebuild takes from a guest, and what it does.
export async function losses(name) {
  const { loses } = await one("/guests/rebuild?dry_run=1", { names: [name] });
  const gone = loses.gone.map((volume) => `volume ${volume.name} of pool ${volume.pool} is emptied`);
  const warnings = [...gone, ...loses.plan.warnings];
  if (loses.in_use) warnings.unshift(`${name} is in use: it is switched off`);
  return { ...loses.plan, warnings };
}

// The one answer of several that come a line at a time, for a request about one guest.
export async function one(path, body) {
  for await (const line of several(`/api/v1${path}`, body)) {
    if (line.error) throw new Error([line.error, line.remedy].filter(Boolean).join("; "));
    return line;
  }
  throw new Error("the service broke off its answer");
}

// A request to the API: its answer, or an error that is the service's own sentence and remedy.
export async function call(method, path, body) {
  const options = { method, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, options);
  } catch {
    throw new Error("the service does not answer");
  }
  const told = await answer.json();
  if (!answer.ok) throw new Error([told.detail, told.remedy].filter(Boolean).join("; "));
  return told;
}

// The lines of an answer that comes a line at a time.
export async function* several(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) {
    const told = await answer.json();
    throw new Error([told.detail, told.remedy].filter(Boolean).join("; "));
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value: piece, done } = await reader.read();
    if (done) return;
    const found = (rest + piece).split("\n");
    rest = found.pop();
    for (const line of found.filter(Boolean)) yield JSON.parse(line);
  }
}
