// The book reader: foliate-js for the pages, ours for everything around them. The book comes from the hub part by part.

import "./polyfills.js";
import { EPUB } from "../core/vendor/foliate-js/epub.js";
import "../core/vendor/foliate-js/view.js";
import { sha1 } from "./digests.js";
import { findAny, findWords, wordsOf } from "./fold.js";
import { Places } from "./places.js";
import { Settings } from "./settings.js";

const holder = document.querySelector("#reader");
const item = holder.dataset.item;
const words = wordsOf(holder.dataset.words || "");

async function open() {
  const known = await (await fetch(`/read/${item}/parts`)).json();
  const sizes = new Map(Object.entries(known.parts));
  const address = (name) => `/read/${item}/book/${name.split("/").map(encodeURIComponent).join("/")}`;
  const get = async (name) => {
    if (!sizes.has(name)) return null;
    const answer = await fetch(address(name));
    return answer.ok ? answer : null;
  };
  return new EPUB({
    loadText: async (name) => { const answer = await get(name); return answer && answer.text(); },
    loadBlob: async (name) => { const answer = await get(name); return answer && answer.blob(); },
    getSize: (name) => sizes.get(name) || 0,
    sha1: async (text) => sha1(new TextEncoder().encode(text)),
  }).init();
}

class Reader {
  constructor(view) {
    this.view = view;
    this.places = new Places(holder);
    this.settings = new Settings(() => this.dress());
    this.slider = document.querySelector("#progress");
    this.said = document.querySelector("#where");
  }

  async start(book) {
    const { view } = this;
    view.addEventListener("load", (event) => this.loaded(event.detail));
    view.addEventListener("relocate", (event) => this.moved(event.detail));
    view.addEventListener("external-link", (event) => event.preventDefault());
    await view.open(book);
    book.transformTarget.addEventListener("data", (event) => {
      event.detail.data = Promise.resolve(event.detail.data).catch(() => "");
    });
    view.renderer.setAttribute("margin", "40px");
    view.renderer.setAttribute("gap", "6%");
    this.dress();
    await this.goToStart(book);
    this.listen();
    holder.classList.add("is-open");
    view.renderer.focusView && holder.dataset.focus && view.renderer.focusView();
  }

  async goToStart(book) {
    const asked = Number.parseInt(holder.dataset.at, 10);
    if (Number.isInteger(asked) && asked >= 0 && asked < book.sections.length) {
      if (words.length && await this.goToWords(book, asked)) return;
      await this.view.goTo(asked);
      return;
    }
    const latest = this.places.latest();
    if (latest) await this.view.init({ lastLocation: latest.where });
    else await this.view.init({ showTextStart: true });
    if (!this.view.lastLocation) await this.view.goTo(0);
  }

  // The first place of the words in a chapter, as a CFI.
  async goToWords(book, index) {
    const page = await book.sections[index].createDocument();
    const range = rangeOf(page, words);
    if (!range) return false;
    await this.view.goTo(this.view.getCFI(index, range));
    return true;
  }

  dress() {
    const { renderer } = this.view;
    if (!renderer) return;
    const { size, ground, flow, font } = this.settings.chosen;
    renderer.setAttribute("flow", flow === "scroll" ? "scrolled" : "paginated");
    const wide = innerWidth > innerHeight && innerWidth >= 900;
    renderer.setAttribute("max-column-count", wide ? "2" : "1");
    if (renderer.setStyles) renderer.setStyles(styles(size, ground, font));
    document.documentElement.dataset.ground = ground;
  }

  loaded({ doc }) {
    doc.addEventListener("keydown", (event) => this.key(event));
    doc.addEventListener("click", (event) => {
      if (event.target.closest("a[href]") || !doc.getSelection().isCollapsed) return;
      this.tap(event, doc.defaultView.frameElement);
    });
    if (words.length) markIn(doc, words);
  }

  // A tap at the edges turns the page, in the middle it shows and hides the bars.
  tap(event, frame) {
    if (this.settings.chosen.flow === "scroll") {
      document.body.classList.toggle("is-bare");
      return;
    }
    const x = frame.getBoundingClientRect().left + event.clientX;
    const part = x / innerWidth;
    if (part < 0.28) this.view.goLeft();
    else if (part > 0.72) this.view.goRight();
    else document.body.classList.toggle("is-bare");
  }

  moved({ fraction, tocItem, cfi }) {
    this.slider.value = String(Math.round(fraction * 1000));
    const percent = `${Math.round(fraction * 100)} %`;
    this.slider.setAttribute("aria-valuetext", percent);
    this.said.textContent = tocItem && tocItem.label ? `${percent} · ${tocItem.label.trim()}` : percent;
    this.places.save(cfi, fraction);
    for (const link of document.querySelectorAll("#contents a[aria-current]")) link.removeAttribute("aria-current");
    const here = tocItem && document.querySelector(`#contents a[data-href="${CSS.escape(tocItem.href || "")}"]`);
    if (here) here.setAttribute("aria-current", "true");
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowLeft") this.view.goLeft();
    else if (event.key === "ArrowRight") this.view.goRight();
    else if (event.key === "PageUp") this.view.prev();
    else if (event.key === "PageDown" || (event.key === " " && !event.target.closest("button, a, summary"))) this.view.next();
    else if (event.key === "Home") this.view.goToFraction(0);
    else return;
    event.preventDefault();
  }

  listen() {
    document.addEventListener("keydown", (event) => {
      if (!event.target.closest("input, select, textarea, button, summary")) this.key(event);
    });
    document.querySelector("#back").addEventListener("click", () => this.view.goLeft());
    document.querySelector("#on").addEventListener("click", () => this.view.goRight());
    this.slider.addEventListener("change", () => this.view.goToFraction(Number(this.slider.value) / 1000));
    this.contents(this.view.book.toc || []);
    addEventListener("resize", () => this.dress());
  }

  contents(toc) {
    const list = document.querySelector("#contents ol");
    const add = (items, depth) => {
      for (const one of items) {
        const line = document.createElement("li");
        line.className = `toc--${Math.min(depth, 3)}`;
        const link = document.createElement("a");
        link.href = "#";
        link.dataset.href = one.href || "";
        link.textContent = (one.label || "").trim();
        link.addEventListener("click", (event) => {
          event.preventDefault();
          document.querySelector("#contents").open = false;
          if (one.href) this.view.goTo(one.href);
        });
        line.append(link);
        list.append(line);
        if (one.subitems) add(one.subitems, depth + 1);
      }
    };
    add(toc, 0);
    document.querySelector("#contents").hidden = !toc.length;
  }
}

function styles(size, ground, font) {
  const colours = {
    paper: ["#fbf9f3", "#17243f", "#1d4a92"],
    white: ["#ffffff", "#111111", "#1d4a92"],
    night: ["#0e1527", "#efe8d9", "#a3c1f7"],
  }[ground];
  const face = font === "book" ? "" : `body, p, li, div, span, td, h1, h2, h3, h4 { font-family: ${font === "plain" ? "'Be Vietnam Pro', 'Noto Sans', sans-serif" : "'Noto Serif', Georgia, serif"} !important; }`;
  return `
    @namespace epub "http://www.idpf.org/2007/ops";
    html { color-scheme: ${ground === "night" ? "dark" : "light"}; --theme-bg-color: ${colours[0]}; color: ${colours[1]}; background: ${colours[0]}; font-size: ${size}%; }
    body { color: ${colours[1]}; }
    ${ground === "night" ? `body *:not(a):not(mark) { color: inherit !important; background-color: transparent !important; border-color: currentColor !important; }` : ""}
    a:link { color: ${colours[2]}; }
    p, li, blockquote, dd { line-height: 1.6; }
    ${face}
    img, svg, video { max-width: 100%; }
    pre { white-space: pre-wrap !important; }
  `;
}

function rangeOf(page, wanted) {
  const body = page.body || page.documentElement;
  const walker = page.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  for (const some of [wanted, ...[...wanted].sort((a, b) => b.length - a.length).map((word) => [word])]) {
    walker.currentNode = body;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (/^(script|style)$/i.test(node.parentNode.localName)) continue;
      const found = findWords(node.nodeValue, some);
      if (!found) continue;
      const range = page.createRange();
      range.setStart(node, found[0]);
      range.setEnd(node, found[1]);
      return range;
    }
  }
  return null;
}

// Marks with the selection of the page's own highlight where the browser can; nothing in the page is changed,
// since that would move the places (CFIs) of everything behind it.
function markIn(page, wanted) {
  const view = page.defaultView;
  if (!view.CSS || !view.CSS.highlights || !view.Highlight) return;
  const ranges = [];
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node && ranges.length < 200; node = walker.nextNode()) {
    const found = findAny(node.nodeValue, wanted);
    if (!found) continue;
    const range = page.createRange();
    range.setStart(node, found[0]);
    range.setEnd(node, found[1]);
    ranges.push(range);
  }
  view.CSS.highlights.set("densach", new view.Highlight(...ranges));
  const sheet = page.createElementNS("http://www.w3.org/1999/xhtml", "style");
  sheet.textContent = "::highlight(densach) { background-color: #f2a71b; color: #17243f; }";
  (page.head || page.documentElement).append(sheet);
}

async function start() {
  const view = document.createElement("foliate-view");
  try {
    const book = await open();
    holder.append(view);
    await new Reader(view).start(book);
  } catch (error) {
    console.error(error);
    document.querySelector("#unreadable").hidden = false;
  } finally {
    document.querySelector("#loading").hidden = true;
  }
}

start();
