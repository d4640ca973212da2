// A guest's screen as a picture that is fetched anew every few seconds, while somebody can see it.

import { field } from "./parts.js";

const seen = new Map();
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) seen.set(entry.target, entry.isIntersecting);
});

export function watch(element) {
  watcher.observe(element);
}

export function darken(element, text) {
  field(element, "picture").hidden = true;
  field(element, "dark").textContent = text;
  field(element, "dark").hidden = false;
}

// A picture is decoded aside and then put in the place of the old one, so that nothing flickers.
export async function refresh(element, name) {
  if (document.hidden || seen.get(element) === false) return;
  const next = new Image();
  next.src = `/api/v1/guests/${encodeURIComponent(name)}/screenshot?at=${Date.now()}`;
  try {
    await next.decode();
  } catch {
    return;
  }
  const picture = field(element, "picture");
  picture.src = next.src;
  picture.hidden = false;
  field(element, "dark").hidden = true;
}
