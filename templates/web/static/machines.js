// The page of machines: made by the server, and fetched again when what the API tells of them changes.

import { poll } from "./poll.js";

const seen = (machine) => JSON.stringify({ ...machine, last_seen: "" });
let known = null;
let fetched = Date.now();

function renew() {
  const request = new XMLHttpRequest();
  request.responseType = "document"; // parsed, never run
  request.addEventListener("load", () => {
    const page = request.response?.getElementById("page");
    if (request.status === 200 && page) document.getElementById("page").replaceWith(document.adoptNode(page));
  });
  request.open("GET", "/machines");
  request.send();
}

function take(machines) {
  if (!machines) return;
  const now = machines.map(seen).join();
  // Once a minute anyway: the page tells how long ago each was seen, and how far its install is.
  if ((known !== null && now !== known) || Date.now() - fetched > 60000) {
    renew();
    fetched = Date.now();
  }
  known = now;
}

poll(() => ["/api/v1/machines", take], 2);
