// The buttons that switch a guest. The service's own sentence is shown where it refuses.

const fault = document.getElementById("fault");
const ON = new Set(["running", "crashed", "other"]);

export function mood(state) {
  if (state === "paused") return "paused";
  return ON.has(state) ? "on" : state === "shut off" ? "off" : "gone";
}

export function fit(switches, state) {
  for (const button of switches.querySelectorAll("[data-act]")) {
    button.hidden = !button.dataset.when.split(" ").includes(mood(state));
  }
}

export function obey(root, after) {
  root.addEventListener("click", async (click) => {
    const button = click.target.closest("[data-act]");
    if (!button) return;
    const { name } = button.closest("[data-name]").dataset;
    const { act, ask } = button.dataset;
    if (ask && !confirm(ask.replace("{}", name))) return;
    button.disabled = true;
    try {
      await send(name, act);
    } finally {
      button.disabled = false;
    }
    after();
  });
}

async function send(name, act) {
  let sentence = "";
  try {
    const answer = await fetch(`/api/v1/guests/${encodeURIComponent(name)}/${act}`, { method: "POST" });
    if (!answer.ok) sentence = (await answer.json()).detail;
  } catch {
    sentence = "the service does not answer";
  }
  fault.textContent = sentence;
  fault.hidden = !sentence;
}
