// The page of media: a file of this computer is sent to the service.

import { after, attempt } from "./edits.js";

const form = document.getElementById("upload");
const file = document.getElementById("file");
const bar = document.getElementById("sent");

function send(chosen) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // which tells how far it is
    request.upload.addEventListener("progress", (event) => { bar.value = (100 * event.loaded) / (event.total || 1); });
    request.addEventListener("error", () => reject(new Error("the service broke off")));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve();
      else reject(new Error(told(request.responseText)));
    });
    request.open("PUT", `/api/v1/media/${encodeURIComponent(chosen.name)}`);
    request.send(chosen);
  });
}

function told(text) {
  try {
    const { detail, remedy } = JSON.parse(text);
    return [detail, remedy].filter(Boolean).join("; ");
  } catch {
    return "the service refused it";
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(form.querySelector('[type="submit"]'), async () => {
    const chosen = file.files[0];
    if (!chosen) throw new Error("choose a file first");
    bar.hidden = false;
    try {
      await send(chosen);
    } finally {
      bar.hidden = true;
    }
    after(`${chosen.name} is added`);
  });
});
