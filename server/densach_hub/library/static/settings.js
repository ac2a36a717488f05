// How a reader likes pages: letters, lines, ground, flow. Kept in this browser for every book, for each reader apart.

const SHARED_KEY = "densach.reading";
const USUAL = {
  size: 110, line: 16, letters: 0, words: 0, margin: "middle", align: "book", ground: "auto", flow: "pages", font: "book", zoom: 1,
};

export class Settings {
  constructor(changed) {
    this.changed = changed;
    const reader = document.querySelector("#reader").dataset.reader;
    this.key = reader === "guest" ? SHARED_KEY : `${SHARED_KEY}.${reader}`;
    this.kept = { ...USUAL, ...(read(this.key) || read(SHARED_KEY)) };
    for (const input of document.querySelectorAll("#settings [name]")) {
      this.fill(input);
      input.addEventListener("input", () => {
        this.set(input.name, input.type === "range" ? Number(input.value) : input.value);
        this.tell(input);
      });
    }
    const usual = document.querySelector("#settings-usual");
    if (usual) {
      usual.addEventListener("click", () => {
        this.kept = { ...USUAL };
        for (const input of document.querySelectorAll("#settings [name]")) this.fill(input);
        this.set("size", USUAL.size);
      });
    }
  }

  fill(input) {
    if (input.type === "radio") input.checked = this.kept[input.name] === input.value;
    else input.value = String(this.kept[input.name]);
    this.tell(input);
  }

  // A slider says its value as people read it: "110 %", "1,6".
  tell(input) {
    if (input.type !== "range") return;
    const part = Number(input.dataset.part || 1);
    const word = `${String(Number(input.value) / part).replace(".", input.dataset.comma || ".")}${input.dataset.unit || ""}`;
    input.setAttribute("aria-valuetext", word);
    const shown = document.querySelector(`output[for="${input.id}"]`);
    if (shown) shown.textContent = word;
  }

  get chosen() {
    const dark = document.documentElement.dataset.theme === "night"
      || (document.documentElement.dataset.theme !== "day" && matchMedia("(prefers-color-scheme: dark)").matches);
    return { ...this.kept, ground: this.kept.ground === "auto" ? (dark ? "night" : "paper") : this.kept.ground };
  }

  set(name, value) {
    this.kept[name] = value;
    try {
      localStorage.setItem(this.key, JSON.stringify(this.kept));
    } catch (full) {
      // Only for this page, then.
    }
    this.changed();
  }
}

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch (unusable) {
    return null;
  }
}
