// What the form for new guests asks for, as the API takes it.

const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

// As `--var` reads it: a number, a truth, a list or a quoted text as such, anything else as the text itself.
function value(text) {
  try {
    const found = JSON.parse(text);
    return found === null ? text : found;
  } catch {
    return text;
  }
}

function variables(text) {
  const found = {};
  for (const line of lines(text)) {
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`${line}: write NAME=VALUE`);
    found[line.slice(0, at).trim()] = value(line.slice(at + 1).trim());
  }
  return found;
}

function whole(text) {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${text} is no whole number`);
  return Number(text);
}

// One field of a form by its `data-kind`; undefined where it is left out.
export function read(input) {
  const text = input.value.trim();
  switch (input.dataset.kind) {
    case "whole": return text ? whole(text) : undefined;
    case "number": return text ? number(text) : undefined;
    case "gib": return text ? Math.round(number(text) * 1024 ** 3) : 0;
    case "lines": return lines(text);
    case "variables": return variables(text);
    case "raw": return input.value;
    default: return text;
  }
}

function number(text) {
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(text)) throw new Error(`${text} is no number`);
  return Number(text);
}

function disks({ size, pool, image, linked }, method, usual) {
  const words = [];
  const imported = method === "import";
  if (imported) words.push(image.value.trim());
  if (size.value.trim()) words.push(`size=${size.value.trim()}`);
  else if (!imported && pool.value !== "default") words.push(`size=${usual}`);
  if (words.length && pool.value && pool.value !== "default") words.push(`pool=${pool.value}`);
  if (imported && linked.checked) words.push("linked=on");
  return words.filter(Boolean).length ? [words.join(",")] : [];
}

// The body, and what is wrong with fields that cannot be said in one.
export function request(form) {
  const { elements } = form;
  const method = elements.method.value;
  const body = { names: elements.names.value.trim(), method };
  const wrong = [];
  const take = (name, read) => {
    try {
      read();
    } catch (error) {
      wrong.push({ field: name, severity: "fail", sentence: error.message, remedy: "" });
    }
  };
  const text = (name) => elements[name].value.trim();
  const has = (name) => !elements[name].closest("[data-methods]")?.hidden;
  for (const name of ["profile", "location", "cdrom", "extra_args", "connect"]) if (has(name) && text(name)) body[name] = text(name);
  for (const name of ["memory", "vcpus"]) take(name, () => text(name) && (body[name] = whole(text(name))));
  take("disks", () => {
    const asked = disks(elements, method, elements.size.placeholder);
    if (asked.length) body.disks = asked;
  });
  if (text("network") && text("network") !== "network=default") body.networks = [text("network")];
  if (text("boot") !== "bios") body.boot = text("boot");
  take("variables", () => {
    const given = has("variables") ? variables(elements.variables.value) : {};
    if (Object.keys(given).length) body.variables = given;
  });
  if (lines(elements.ssh_keys.value).length) body.ssh_keys = lines(elements.ssh_keys.value);
  if (elements.graphics.checked) body.graphics = "vnc";
  if (elements.autostart.checked) body.autostart = true;
  if (method === "import" && elements.cloud_init.checked) body.cloud_init = {};
  return { body, wrong };
}
