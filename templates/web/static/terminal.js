// What a serial line says, as lines of plain text. It knows so much of a terminal as keeps a log readable:
// carriage return, backspace, tabs, erasing; colours and everything else a guest may send are dropped.

import { framed } from "./frame.js";

const KEEP = 1000;
const WIDTH = 400;

export class Terminal {
  constructor(element) {
    this.element = element;
    this.draw = framed(() => this.show());
    this.clear();
  }

  clear() {
    this.lines = [""];
    this.column = 0;
    this.rest = "";
    this.draw();
  }

  write(text) {
    const whole = this.rest + text;
    let at = 0;
    while (at < whole.length) {
      if (whole[at] !== "\x1b") {
        this.letter(whole[at]);
        at += 1;
        continue;
      }
      const length = sequence(whole, at);
      if (length === 0) break; // cut in the middle: the rest comes with the next text
      this.control(whole.slice(at, at + length));
      at += length;
    }
    this.rest = whole.slice(at).slice(0, 256);
    this.draw();
  }

  letter(letter) {
    if (letter === "\n") this.feed();
    else if (letter === "\r") this.column = 0;
    else if (letter === "\b") this.column = Math.max(0, this.column - 1);
    else if (letter === "\t") this.put(" ".repeat(8 - (this.column % 8)));
    else if (letter >= " " && letter !== "\x7f") this.put(letter);
  }

  put(text) {
    if (this.column >= WIDTH) this.feed();
    const line = this.lines[this.lines.length - 1].padEnd(this.column);
    this.lines[this.lines.length - 1] = line.slice(0, this.column) + text + line.slice(this.column + text.length);
    this.column += text.length;
  }

  feed() {
    this.column = 0;
    this.lines.push("");
    if (this.lines.length > KEEP) this.lines.shift();
  }

  control(text) {
    const line = this.lines.length - 1;
    const last = text[text.length - 1];
    if (text[1] !== "[") return;
    if (last === "K") this.lines[line] = this.lines[line].slice(0, this.column);
    else if ((last === "H" || last === "f" || last === "J") && this.lines[line].trim()) this.feed();
    else if (last === "C") this.column = Math.min(WIDTH, this.column + (parseInt(text.slice(2), 10) || 1));
  }

  show() {
    const { element } = this;
    const below = element.scrollHeight - element.scrollTop - element.clientHeight < 24;
    element.textContent = this.lines.join("\n");
    if (below) element.scrollTop = element.scrollHeight;
  }
}

// How long the escape sequence at `at` is; 0 where it is not whole yet.
function sequence(text, at) {
  const next = text[at + 1];
  if (next === undefined) return 0;
  if (next === "[") {
    for (let end = at + 2; end < text.length; end += 1) {
      if (text[end] >= "@" && text[end] <= "~") return end - at + 1;
      if (text[end] < " " || end - at > 64) return end - at;
    }
    return 0;
  }
  if ("]PX^_".includes(next)) {
    for (let end = at + 2; end < text.length; end += 1) {
      if (text[end] === "\x07") return end - at + 1;
      if (text[end] === "\x1b" && text[end + 1] === "\\") return end - at + 2;
      if (text[end] === "\n" || end - at > 200) return end - at;
    }
    return 0;
  }
  if ("()*+#%".includes(next)) return text.length > at + 2 ? 3 : 0;
  return 2;
}
