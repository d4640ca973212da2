// A guest's screen by noVNC, over the service's own WebSocket: no port is open, no password is asked.

import RFB from "/novnc/core/rfb.js";

const page = document.getElementById("page");
const place = document.getElementById("vnc");
const note = document.getElementById("screen-note");
const keys = document.getElementById("keys");
const again = document.getElementById("again");
const scheme = location.protocol === "https:" ? "wss" : "ws";
const address = `${scheme}://${location.host}/api/v1/guests/${encodeURIComponent(page.dataset.name)}/vnc`;
let screen;

function connect() {
  again.hidden = true;
  note.textContent = "connecting";
  screen = new RFB(place, address);
  screen.scaleViewport = true;
  screen.background = "transparent";
  screen.addEventListener("connect", () => {
    note.textContent = "connected";
    keys.disabled = false;
    screen.focus();
  });
  screen.addEventListener("disconnect", (end) => {
    keys.disabled = true;
    again.hidden = false;
    note.textContent = end.detail.clean ? "The guest's end is closed." : "The screen cannot be reached: the guest is off, or on another host.";
  });
}

keys.addEventListener("click", () => {
  screen.sendCtrlAltDel();
  screen.focus();
});
again.addEventListener("click", connect);
connect();
