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
  if (!answer.ok) throw new Error([told.detail, told.remedy].filter(Boolean).join(" – "));
  return told;
}
