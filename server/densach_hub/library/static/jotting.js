// What a reader sees of marks: the bar over selected words, the list with its jumps, the note's window. The book's own
// reader gives: here(), selection(), deselect(), goToMark(mark), draw(marks), isHere(mark), and `marks`.

const UNDO_MS = 20000;

export class Jotting {
  constructor(reader) {
    this.reader = reader;
    this.panel = document.querySelector("#marks");
    this.list = this.panel.querySelector("ul");
    this.line = document.querySelector("#mark-line");
    this.bar = document.querySelector("#selbar");
    this.dialog = document.querySelector("#jot");
    this.undo = document.querySelector("#undo");
    this.said = document.querySelector("#said");
    this.removed = null;
    this.editing = null;
    this.listen();
  }

  get marks() {
    return this.reader.marks;
  }

  listen() {
    document.querySelector("#mark-here").addEventListener("click", () => this.toggleHere());
    document.querySelector("#note-here").addEventListener("click", () => {
      this.panel.open = false;
      this.open({ kind: "bookmark", ...this.reader.here() });
    });
    this.bar.addEventListener("pointerdown", (event) => event.preventDefault());
    this.bar.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const chosen = this.reader.selection();
      if (!chosen) return;
      if (button.dataset.colour) this.add({ kind: "highlight", colour: button.dataset.colour, ...chosen });
      else this.open({ kind: "highlight", colour: "yellow", ...chosen });
      this.reader.deselect();
      this.selected();
    });
    this.dialog.addEventListener("close", () => this.closed());
    this.undo.querySelector("[data-undo]").addEventListener("click", () => {
      if (this.removed) this.marks.put(this.removed);
      this.undo.hidden = true;
    });
    this.undo.querySelector("[data-dismiss]").addEventListener("click", () => { this.undo.hidden = true; });
  }

  // The bar is there while words are selected.
  selected() {
    this.bar.hidden = !this.reader.selection();
  }

  add(mark) {
    this.marks.put(mark);
    this.say(mark.kind === "bookmark" ? this.panel.dataset.marked : this.panel.dataset.highlighted);
  }

  say(text) {
    this.said.textContent = "";
    this.said.textContent = text;
  }

  toggleHere() {
    const there = this.marks.all.find((mark) => mark.kind === "bookmark" && this.reader.isHere(mark));
    if (there) this.remove(there.id);
    else this.add({ kind: "bookmark", ...this.reader.here() });
  }

  remove(id) {
    this.removed = this.marks.remove(id);
    this.undo.hidden = false;
    clearTimeout(this.undoTimer);
    this.undoTimer = setTimeout(() => { this.undo.hidden = !this.undo.contains(document.activeElement); }, UNDO_MS);
    this.say(this.undo.querySelector("p").textContent);
  }

  // Opens the note's window for a mark that is there or one to be made.
  open(mark) {
    if (this.dialog.open) return;
    this.editing = mark;
    const { dialog } = this;
    dialog.querySelector("blockquote").textContent = mark.quote || "";
    dialog.querySelector("blockquote").hidden = !mark.quote;
    dialog.querySelector("textarea").value = mark.note || "";
    dialog.querySelector("fieldset").hidden = mark.kind !== "highlight";
    for (const input of dialog.querySelectorAll("[name=colour]")) input.checked = input.value === (mark.colour || "yellow");
    dialog.querySelector("[value=remove]").hidden = !mark.id;
    dialog.returnValue = "";
    dialog.showModal();
    dialog.querySelector("textarea").focus();
  }

  openById(id) {
    const mark = this.marks.all.find((one) => one.id === id);
    if (mark) this.open(mark);
  }

  closed() {
    const mark = this.editing;
    this.editing = null;
    if (!mark) return;
    const { dialog } = this;
    if (dialog.returnValue === "remove") {
      this.remove(mark.id);
    } else if (dialog.returnValue === "save") {
      const picked = dialog.querySelector("[name=colour]:checked");
      const note = dialog.querySelector("textarea").value.trim();
      this.marks.put({ ...mark, note, colour: mark.kind === "highlight" ? (picked ? picked.value : "yellow") : null });
      this.say(this.panel.dataset.noted);
    }
  }

  // Everything anew: after a change here, or one that came from another device.
  show() {
    const marks = this.marks.all;
    this.reader.draw(marks);
    const focused = document.activeElement && document.activeElement.closest("#marks li");
    const at = focused ? [...this.list.children].indexOf(focused) : -1;
    this.list.replaceChildren(...marks.map((mark) => this.lineOf(mark)));
    if (at >= 0) (this.list.children[Math.min(at, marks.length - 1)] || this.panel).querySelector("button, summary").focus();
    document.querySelector("#marks-none").hidden = marks.length > 0;
    this.showHere();
    const state = document.querySelector("#marks-state");
    const { waiting, trouble, late } = this.marks;
    const told = trouble === "full" || trouble === "signed-out" ? state.dataset[trouble === "full" ? "full" : "out"] : trouble;
    state.textContent = told || (late && waiting.size ? state.dataset.waiting.replace("{n}", String(waiting.size)) : "");
    state.hidden = !state.textContent;
  }

  // Whether this page is bookmarked, in the button and at the top.
  showHere() {
    const there = this.marks.all.some((mark) => mark.kind === "bookmark" && this.reader.isHere(mark));
    const button = document.querySelector("#mark-here");
    button.setAttribute("aria-pressed", String(there));
    button.querySelector("span").textContent = there ? button.dataset.off : button.dataset.on;
    this.panel.classList.toggle("is-marked", there);
  }

  lineOf(mark) {
    const line = this.line.content.firstElementChild.cloneNode(true);
    const go = line.querySelector("[data-go]");
    line.dataset.kind = mark.kind;
    line.dataset.mark = mark.id;
    if (mark.colour) line.classList.add(`hl--${mark.colour}`);
    line.querySelector(".mark__at").textContent = [mark.label, `${Math.round(mark.fraction * 100)} %`].filter(Boolean).join(" · ");
    line.querySelector(".mark__what").textContent = this.panel.dataset[mark.kind === "bookmark" ? "bookmark" : mark.colour];
    line.querySelector(".mark__quote").textContent = mark.quote;
    line.querySelector(".mark__note").textContent = mark.note;
    go.addEventListener("click", () => {
      this.panel.open = false;
      this.reader.goToMark(mark);
    });
    line.querySelector("[data-edit]").addEventListener("click", () => {
      this.panel.open = false;
      this.open(mark);
    });
    line.querySelector("[data-remove]").addEventListener("click", () => this.remove(mark.id));
    return line;
  }
}
