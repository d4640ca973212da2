// The page of all hosts.

import { say } from "./live.js";
import { fillLoad, fillState, poll } from "./poll.js";
import { field } from "./parts.js";

const rows = new Map([...document.getElementById("hosts").children].map((row) => [row.dataset.name, row]));

async function load(row) {
  const answer = await fetch(`/api/v1/hosts/${encodeURIComponent(row.dataset.name)}/load`);
  if (answer.ok) fillLoad(row, await answer.json());
}

function take(hosts) {
  if (!hosts) return;
  for (const host of hosts) {
    const row = rows.get(host.name);
    if (!row) continue;
    if (row.dataset.state !== host.state) say(`${host.name}: ${host.state}`);
    fillState(row, host.state, host.reason);
    if (host.state === "up") {
      load(row).catch(() => {});
    } else {
      field(row, "cpu").value = field(row, "memory").value = 0;
      field(row, "cpu-text").textContent = field(row, "memory-text").textContent = "";
    }
  }
}

poll(() => ["/api/v1/hosts", take], 3);
