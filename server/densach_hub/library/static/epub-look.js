// How a book's pages and a reader's marks in them look.

const COLOURS = {
  paper: ["#fbf9f3", "#17243f", "#1d4a92"],
  white: ["#ffffff", "#111111", "#1d4a92"],
  sepia: ["#f1e3c6", "#43321c", "#7a3b12"],
  night: ["#0e1527", "#efe8d9", "#a3c1f7"],
};
export const INKS = { yellow: "#f2c400", green: "#2f9e44", blue: "#2f7de1", pink: "#d6458b", spoken: "#f2a71b" };
const LINES = { green: "", blue: "7 4", pink: "2 3" };
const LEXEND = new URL("../core/vendor/@fontsource/lexend/lexend-", import.meta.url).href;
const RANGES = {
  latin: "U+0000-00FF, U+0131, U+0152-0153, U+02BB-02BC, U+02C6, U+02DA, U+02DC, U+2000-206F, U+20AC, U+2122, U+2191, U+2193, U+2212, U+2215",
  vietnamese: "U+0102-0103, U+0110-0111, U+0128-0129, U+0168-0169, U+01A0-01A1, U+01AF-01B0, U+0300-0301, U+0303-0304, U+0308-0309, U+0323, U+0329, U+1EA0-1EF9, U+20AB",
  "latin-ext": "U+0100-0101, U+0104-010F, U+0112-0127, U+012A-0167, U+016A-019F, U+01A2-01AE, U+01B1-02BA, U+1E00-1E9F",
};
const FACES = {
  serif: "'Noto Serif', Georgia, serif",
  plain: "'Be Vietnam Pro', 'Noto Sans', sans-serif",
  easy: "Lexend, 'Noto Sans', sans-serif",
};

export function styles({ size, line, letters, words, align, ground, font }) {
  const colours = COLOURS[ground] || COLOURS.paper;
  const text = "body, p, li, div, span, td, th, dd, dt, blockquote, h1, h2, h3, h4, h5, h6, a, em, strong, i, b";
  const rules = [];
  if (FACES[font]) rules.push(`${text} { font-family: ${FACES[font]} !important; }`);
  if (letters) rules.push(`${text} { letter-spacing: ${letters / 100}em !important; }`);
  if (words) rules.push(`${text} { word-spacing: ${words / 100}em !important; }`);
  if (align !== "book") rules.push(`p, li, blockquote, dd, div { text-align: ${align === "left" ? "start" : "justify"} !important; }`);
  if (ground === "night") {
    rules.push("body *:not(a):not(mark) { color: inherit !important; background-color: transparent !important; border-color: currentColor !important; }");
  }
  return `
    @namespace epub "http://www.idpf.org/2007/ops";
    ${font === "easy" ? faces() : ""}
    html { color-scheme: ${ground === "night" ? "dark" : "light"}; --theme-bg-color: ${colours[0]}; color: ${colours[1]}; background: ${colours[0]}; font-size: ${size}%; }
    body { color: ${colours[1]}; }
    a:link { color: ${colours[2]}; }
    p, li, blockquote, dd, div { line-height: ${line / 10}${line === 16 ? "" : " !important"}; }
    img, svg, video { max-width: 100%; }
    pre { white-space: pre-wrap !important; }
    ${rules.join("\n")}
  `;
}

function faces() {
  return Object.entries(RANGES).map(([part, range]) =>
    `@font-face { font-family: Lexend; font-weight: 400; font-display: swap; src: url("${LEXEND}${part}-400-normal.woff2") format("woff2"); unicode-range: ${range}; }`).join("\n");
}

// A page that is one picture (mostly the cover) stands in the middle of a wide screen, not in the left of two columns.
export function centrePlate(page) {
  const pictures = page.body ? page.body.querySelectorAll("img, svg") : [];
  if (pictures.length !== 1) return;
  const [picture] = pictures;
  if (page.body.textContent.replace(picture.textContent, "").trim()) return;
  page.body.style.setProperty("column-span", "all", "important");
  page.body.style.setProperty("text-align", "center", "important");
  picture.style.setProperty("margin-inline", "auto", "important");
}

const SVG = "http://www.w3.org/2000/svg";

// One highlight: the colour, and a line of its own kind below, so that nobody has to tell colours apart. A dot: it has a note.
export function drawMark(rects, { colour, noted } = {}) {
  const group = document.createElementNS(SVG, "g");
  const add = (name, values) => {
    const shape = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(values)) shape.setAttribute(key, String(value));
    group.append(shape);
  };
  group.setAttribute("class", `mark mark--${colour}`);
  for (const { left, top, bottom, width, height } of rects) {
    add("rect", { x: left, y: top, width, height, fill: INKS[colour] || INKS.yellow, "fill-opacity": 0.3 });
    if (!(colour in LINES)) continue;
    add("line", { x1: left, x2: left + width, y1: bottom - 1, y2: bottom - 1, stroke: INKS[colour], "stroke-width": 2, "stroke-dasharray": LINES[colour] });
  }
  if (noted && rects.length) add("circle", { cx: rects[0].left, cy: rects[0].top + 2, r: 4, fill: INKS[colour] || INKS.yellow, stroke: "#fff" });
  return group;
}

// `marks`: {colour, range}. For pages without a layer of their own; browsers without such marks show none, the list has them.
export function markWithBrowser(page, marks) {
  const view = page.defaultView;
  if (!view || !view.CSS || !view.CSS.highlights || !view.Highlight) return;
  for (const colour of Object.keys(LINES).concat("yellow")) {
    const ranges = marks.filter((mark) => mark.colour === colour && mark.range && mark.range.cloneRange).map((mark) => mark.range);
    view.CSS.highlights.set(`mark-${colour}`, new view.Highlight(...ranges));
  }
  if (page.querySelector("#densach-marks")) return;
  const sheet = page.createElementNS("http://www.w3.org/1999/xhtml", "style");
  sheet.id = "densach-marks";
  sheet.textContent = Object.entries(INKS).map(([colour, ink]) => `::highlight(mark-${colour}) { background-color: ${ink}55; text-decoration: underline ${{ blue: "dashed", pink: "dotted" }[colour] || "solid"} ${ink}; }`).join("\n");
  (page.head || page.documentElement).append(sheet);
}
