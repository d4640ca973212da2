// What is selected, by mouse, finger and keyboard, as lists of files are: a click, Ctrl and Shift with it;
// arrows, Space, Shift and arrows, Ctrl+A, Escape; Enter opens.

export class Selection {
  constructor(sheet, changed) {
    this.sheet = sheet;
    this.names = new Set();
    this.cursor = "";
    this.anchor = "";
    this.changed = changed;
    sheet.grid.addEventListener("keydown", (press) => this.press(press));
    sheet.grid.addEventListener("click", (click) => this.click(click));
    sheet.grid.addEventListener("dblclick", (click) => this.open(click.target.closest("[role=row]")));
    sheet.grid.addEventListener("focusin", (focus) => this.stand(focus.target.closest("[role=row]")?.dataset.name));
  }

  // After the rows were laid anew: what is not shown any more is not selected either.
  keep() {
    const there = new Set(this.sheet.list.map((member) => member.name));
    const before = this.names.size;
    this.names = new Set([...this.names].filter((name) => there.has(name)));
    if (!there.has(this.cursor)) this.cursor = this.sheet.list[0]?.name ?? "";
    if (!there.has(this.anchor)) this.anchor = this.cursor;
    this.draw(before !== this.names.size);
  }

  draw(told = true) {
    for (const [name, row] of this.sheet.rows) {
      row.setAttribute("aria-selected", this.names.has(name));
      row.tabIndex = name === this.cursor ? 0 : -1;
    }
    if (told) this.changed([...this.names]);
  }

  stand(name) {
    if (!name || name === this.cursor) return;
    const before = this.sheet.rows.get(this.cursor);
    if (before) before.tabIndex = -1;
    this.cursor = name;
    this.sheet.rows.get(name).tabIndex = 0;
  }

  toggle(name) {
    if (!this.names.delete(name)) this.names.add(name);
    this.anchor = name;
    this.draw();
  }

  only(name) {
    this.names = new Set([name]);
    this.anchor = name;
    this.draw();
  }

  range(name) {
    const order = this.sheet.list.map((member) => member.name);
    const [from, to] = [order.indexOf(this.anchor), order.indexOf(name)].sort((a, b) => a - b);
    this.names = new Set(order.slice(Math.max(0, from), to + 1));
    this.draw();
  }

  clear() {
    this.names.clear();
    this.draw();
  }

  click(click) {
    const row = click.target.closest("[role=row]");
    if (!row || click.target.closest("a")) return;
    const { name } = row.dataset;
    row.focus({ preventScroll: true });
    if (click.shiftKey) this.range(name);
    else if (click.ctrlKey || click.metaKey || click.pointerType === "touch" || click.target.closest(".tick")) this.toggle(name);
    else this.only(name);
  }

  open(row) {
    row?.querySelector("a").click();
  }

  press(press) {
    const row = press.target.closest("[role=row]");
    if (!row || press.altKey) return;
    const whole = press.ctrlKey || press.metaKey;
    if (whole && press.key.toLowerCase() === "a") {
      this.names = new Set(this.sheet.list.map((member) => member.name));
      this.draw();
    } else if (press.key === "Escape" && this.names.size) this.clear();
    else if (press.key === " ") press.shiftKey ? this.range(this.cursor) : this.toggle(this.cursor);
    else if (press.key === "Enter" && press.target === row) this.open(row);
    else if (!this.move(press)) return;
    press.preventDefault();
  }

  move(press) {
    const order = this.sheet.list.map((member) => member.name);
    const at = order.indexOf(this.cursor);
    const wide = this.columns();
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: wide, ArrowUp: -wide, Home: -at, End: order.length - 1 - at };
    const step = steps[press.key];
    if (step === undefined || at < 0) return false;
    const to = at + step < 0 || at + step >= order.length ? at : at + step;
    if (to >= this.sheet.limit) this.sheet.grow(to + 1);
    if (!press.shiftKey) this.anchor = order[to];
    this.stand(order[to]);
    this.sheet.rows.get(order[to]).focus();
    if (press.shiftKey) this.range(order[to]);
    return true;
  }

  columns() {
    const [first, ...others] = this.sheet.grid.children;
    const next = others.findIndex((row) => row.offsetTop !== first.offsetTop);
    return next < 0 ? others.length + 1 : next + 1;
  }
}
