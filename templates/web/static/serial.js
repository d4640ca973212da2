// What a guest's serial line says, followed into a terminal of text.

import { Terminal } from "./terminal.js";

// A stream that ends (the guest went off, somebody took the console) is asked for again by the browser;
// one that is refused is not, so that is done here, and the reason is shown.
export function listen(name, element, note) {
  const terminal = new Terminal(element);
  const place = `/api/v1/guests/${encodeURIComponent(name)}/serial`;
  const tell = (sentence) => {
    note.textContent = sentence;
    note.hidden = false;
  };

  async function explain() {
    const leave = new AbortController();
    try {
      const answer = await fetch(place, { signal: leave.signal });
      if (!answer.ok) tell((await answer.json()).detail);
    } catch {
      tell("the service does not answer");
    } finally {
      leave.abort();
    }
  }

  function begin() {
    const source = new EventSource(`${place}?tail=16384`);
    source.addEventListener("open", () => {
      note.hidden = true;
      terminal.clear();
    });
    source.addEventListener("text", (message) => terminal.write(JSON.parse(message.data)));
    source.addEventListener("end", () => tell("The serial line is closed."));
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(begin, 5000);
      explain();
    });
    addEventListener("pagehide", () => source.close());
  }
  begin();
}
