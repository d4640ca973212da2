// What is done to the selected: first a dialog tells of each what will become of it and what is lost.

import { amount } from "./format.js";
import { say } from "./live.js";
import { call, several } from "./planned.js";

const AT_ONCE = 4;
const dialog = document.getElementById("plan");
const title = document.getElementById("plan-title");
const list = document.getElementById("plan-list");
const note = document.getElementById("plan-note");
const go = document.getElementById("plan-go");
const leave = document.getElementById("plan-leave");
const path = (name) => `/guests/${encodeURIComponent(name)}`;
const size = (bytes) => amount(bytes / 1024);
let turn = 0; // of which dialog an answer is

const removal = (name) => call("GET", `${path(name)}/removal`);

async function rebuilding(name) {
  for await (const line of several("/api/v1/guests/rebuild?dry_run=1", { names: [name] })) {
    if (line.error) throw new Error([line.error, line.remedy].filter(Boolean).join("; "));
    return line.loses;
  }
  throw new Error("the service does not answer");
}

const volume = (told) => `volume ${told.name} of pool ${told.pool} (${size(told.capacity)}, ${size(told.allocation)} taken)`;

function lost(told) {
  return told.volumes.map(volume);
}

function stays(told) {
  return told.stays.map((kept) => `stays: ${volume(kept.volume)}${kept.users.length ? `, ${kept.users.join(", ")} on it` : ""}`);
}

// `tell` gives what will happen, as lines; null where there is nothing to do, and `skip` says why.
const DEEDS = {
  start: {
    word: "Start",
    skip: (member) => (member.state === "running" ? "runs already" : member.state === "shut off" ? "" : `is ${member.state}`),
    tell: async () => ["is powered on"],
    act: (name) => call("POST", `${path(name)}/start`),
  },
  shutdown: {
    word: "Shut down",
    skip: (member) => (member.state === "running" ? "" : `is ${member.state}`),
    tell: async (member) => [
      "its system is asked to power off",
      ...(member.install && !member.install.ended ? [`its install is ${member.install.stage}: that is cut short`] : []),
    ],
    act: (name) => call("POST", `${path(name)}/shutdown`),
  },
  rebuild: {
    word: "Rebuild",
    danger: true,
    note: "Name, addresses and definition stay. What is on these disks is lost.",
    tell: async (member) => {
      const told = await rebuilding(member.name);
      const gone = [...told.gone.map(volume), ...(told.nvram ? ["its UEFI variables"] : [])];
      return [`installed anew: ${told.profile}`, ...gone.map((words) => `lost: ${words}`), ...told.kept.map((kept) => `stays: ${volume(kept)}`), ...told.plan.warnings];
    },
    act: (name) => call("POST", `${path(name)}/rebuild`),
  },
  delete: {
    word: "Delete",
    danger: true,
    note: "Nothing of this can be brought back.",
    tell: async (member) => {
      const told = await removal(member.name);
      const state = [told.nvram && "its UEFI variables", told.tpm && "the state of its TPM"].filter(Boolean);
      return ["its domain" + (state.length ? ` with ${state.join(" and ")}` : ""), ...lost(told), ...stays(told)];
    },
    act: (name) => call("DELETE", path(name)),
  },
};

async function each(things, act) {
  const waiting = [...things];
  const work = async () => {
    while (waiting.length) await act(waiting.shift());
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, things.length) }, work));
}

function line(member) {
  const item = document.createElement("li");
  const name = document.createElement("b");
  const text = document.createElement("span");
  name.textContent = member.name;
  item.append(name, text);
  list.append(item);
  return (state, lines) => {
    item.dataset.state = state;
    text.replaceChildren(...lines.map((words) => Object.assign(document.createElement("span"), { textContent: words })));
  };
}

const guests = (count) => `${count} ${count === 1 ? "guest" : "guests"}`;

export async function plan(verb, members, after) {
  const deed = DEEDS[verb];
  const mine = ++turn;
  const rows = new Map();
  const doing = [];
  list.replaceChildren();
  title.textContent = `${deed.word} ${guests(members.length)}?`;
  note.textContent = "Looking at what this changes.";
  go.textContent = deed.word;
  go.className = deed.danger ? "main danger" : "main";
  go.disabled = true;
  go.hidden = false;
  leave.textContent = "Cancel";
  dialog.showModal();
  leave.focus();
  for (const member of members) {
    const put = line(member);
    const why = member.kind === "guest" ? deed.skip?.(member) : "is a machine, which nobody here can switch";
    put(why ? "left" : "waiting", [why ? `left alone: ${why}` : "…"]);
    rows.set(member.name, put);
    if (!why) doing.push(member);
  }
  const ready = [];
  await each(doing, async (member) => {
    if (turn !== mine) return;
    try {
      rows.get(member.name)("ready", await deed.tell(member));
      ready.push(member.name);
    } catch (error) {
      rows.get(member.name)("failed", [`left alone: ${error.message}`]);
    }
  });
  if (turn !== mine) return;
  title.textContent = `${deed.word} ${guests(ready.length)}?`;
  note.textContent = ready.length ? (deed.note ?? "") : "There is nothing to do.";
  go.textContent = `${deed.word} ${guests(ready.length)}`;
  go.disabled = !ready.length;
  go.onclick = () => carry(deed, doing.map((member) => member.name).filter((name) => ready.includes(name)), rows, mine, after);
}

async function carry(deed, names, rows, mine, after) {
  let failed = 0;
  let done = 0;
  go.disabled = true;
  leave.textContent = "Stop";
  leave.focus();
  await each(names, async (name) => {
    if (turn !== mine) return;
    rows.get(name)("doing", ["…"]);
    try {
      await deed.act(name);
      rows.get(name)("done", ["done"]);
    } catch (error) {
      failed += 1;
      rows.get(name)("failed", [error.message]);
    }
    done += 1;
    note.textContent = `${done} of ${names.length} done${failed ? `, ${failed} failed` : ""}.`;
  });
  after();
  say(`${deed.word}: ${done - failed} done, ${failed} failed`);
  if (turn !== mine) return;
  go.hidden = true;
  leave.textContent = "Close";
  if (!failed) dialog.close();
}

dialog.addEventListener("close", () => {
  turn += 1;
  document.querySelector("#members [role=row][tabindex='0']")?.focus({ preventScroll: true });
});
leave.addEventListener("click", () => dialog.close());
