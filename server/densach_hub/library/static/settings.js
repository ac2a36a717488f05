// How a reader likes pages: letter size, ground, flow, letters. Kept in this browser for every book.

const KEY = "densach.reading";
const USUAL = { size: 110, ground: "auto", flow: "pages", font: "book" };

export class Settings {
  constructor(changed) {
    this.changed = changed;
    try {
      this.kept = { ...USUAL, ...JSON.parse(localStorage.getItem(KEY)) };
    } catch (unusable) {
      this.kept = { ...USUAL };
    }
    for (const input of document.querySelectorAll("#settings [name]")) {
      if (input.type === "radio") input.checked = this.kept[input.name] === input.value;
      else input.value = String(this.kept[input.name]);
      input.addEventListener("input", () => this.set(input.name, input.type === "range" ? Number(input.value) : input.value));
    }
  }

  get chosen() {
    const dark = document.documentElement.dataset.theme === "night"
      || (document.documentElement.dataset.theme !== "day" && matchMedia("(prefers-color-scheme: dark)").matches);
    return { ...this.kept, ground: this.kept.ground === "auto" ? (dark ? "night" : "paper") : this.kept.ground };
  }

  set(name, value) {
    this.kept[name] = value;
    try {
      localStorage.setItem(KEY, JSON.stringify(this.kept));
    } catch (full) {
      // Only for this page, then.
    }
    this.changed();
  }
}
