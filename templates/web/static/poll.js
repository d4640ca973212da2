// Asks the API again and again; the light tells whether it answers.

import { show } from "./live.js";
import { field } from "./parts.js";
import { amount } from "./format.js";

// `next` gives the path to ask and the function that takes the answer, or null and the reason.
export function poll(next, seconds) {
  async function turn() {
    if (!document.hidden) {
      const [path, take] = next();
      try {
        const answer = await fetch(path, { headers: { Accept: "application/json" } });
        if (answer.status === 401) {
          show("lost", "not connected – reload the page");
          return;
        }
        const body = await answer.json();
        take(answer.ok ? body : null, answer.ok ? "" : body.detail);
        show("live", "live");
      } catch {
        show("lost", "reconnecting");
      }
    }
    setTimeout(turn, seconds * 1000);
  }
  turn();
}

export function fillLoad(element, load) {
  const known = load.used !== null && load.memory;
  const memory = known ? (100 * load.used) / load.memory : 0;
  field(element, "cpu").value = load.cpu;
  field(element, "cpu-text").textContent = `${Math.round(load.cpu)} %`;
  field(element, "memory").value = memory;
  field(element, "memory-text").textContent = known ? `${amount(load.used)} of ${amount(load.memory)}` : amount(load.memory);
  return memory;
}

export function fillState(element, state, reason) {
  element.dataset.state = state;
  field(element, "state").textContent = state;
  const place = field(element, "reason");
  place.textContent = reason;
  place.hidden = !reason;
}
