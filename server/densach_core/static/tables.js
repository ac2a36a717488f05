// Tables: <table data-sort> sorts by its <th data-by="text|number"> headings; <input data-filter="#id"> filters rows or
// list items; <input type=checkbox data-pick-all="name"> ticks all boxes of that name that are in view.
// A cell sorts by its data-value when it has one, else by its words.

function value(row, column, by) {
  const cell = row.cells[column];
  const text = cell.dataset.value !== undefined ? cell.dataset.value : cell.textContent.trim();
  if (by !== "number") return text;
  return text === "" ? null : Number(text);
}

function compare(by, language) {
  const collator = new Intl.Collator(language, { numeric: true, sensitivity: "base" });
  return (one, two) => {
    if (by === "number") {
      if (one === null || two === null) return (one === null) - (two === null);
      return one - two;
    }
    return collator.compare(one, two);
  };
}

function makeSortable(table) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const by = heading.dataset.by;
    if (!by || heading.querySelector("button")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const rising = heading.getAttribute("aria-sort") !== "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const order = compare(by, document.documentElement.lang);
      const body = table.tBodies[0];
      const rows = [...body.rows].map((row) => [value(row, column, by), row]);
      rows.sort((one, two) => {
        if (by === "number" && (one[0] === null || two[0] === null)) return order(one[0], two[0]);
        return rising ? order(one[0], two[0]) : order(two[0], one[0]);
      });
      body.append(...rows.map((pair) => pair[1]));
    });
  });
}

// The same letters with or without marks: "dong" finds "Đồng".
export function fold(text) {
  return text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").replace(/[đĐ]/g, "d").toLowerCase();
}

function makeFilter(box) {
  const target = document.querySelector(box.dataset.filter);
  if (!target || box.dataset.ready) return;
  box.dataset.ready = "1";
  const counter = box.dataset.count ? document.querySelector(box.dataset.count) : null;
  const apply = () => {
    const words = fold(box.value).split(/\s+/).filter(Boolean);
    const rows = target.tBodies ? [...target.tBodies[0].rows] : [...target.children];
    let shown = 0;
    for (const row of rows) {
      const text = row.dataset.folded || (row.dataset.folded = fold(row.textContent));
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
    }
    if (counter) counter.textContent = String(shown);
  };
  box.addEventListener("input", apply);
  if (box.value) apply();
}

function makePickAll(all) {
  if (all.dataset.ready) return;
  all.dataset.ready = "1";
  all.addEventListener("change", () => {
    const form = all.closest("form") || document;
    for (const box of form.querySelectorAll(`input[type=checkbox][name="${all.dataset.pickAll}"]`)) {
      const row = box.closest("tr, li");
      if (!row || !row.hidden) box.checked = all.checked;
    }
  });
}

// A table wider than its frame can be scrolled by keyboard too.
function makeScrollable(frame) {
  if (frame.scrollWidth <= frame.clientWidth || frame.querySelector("a, button, input, select, summary")) return;
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  const heading = frame.querySelector("caption") || document.querySelector("h1");
  if (heading) frame.setAttribute("aria-label", heading.textContent.trim());
}

export function startTables(within) {
  within.querySelectorAll(".tablewrap").forEach(makeScrollable);
  within.querySelectorAll("table[data-sort]").forEach(makeSortable);
  within.querySelectorAll("input[data-filter]").forEach(makeFilter);
  within.querySelectorAll("input[data-pick-all]").forEach(makePickAll);
}
