// The book reader: foliate-js for the pages, ours for everything around them. The book comes from the hub part by part.

import "./polyfills.js";
import { EPUB } from "../core/vendor/foliate-js/epub.js";
import "../core/vendor/foliate-js/view.js";
import * as CFI from "../core/vendor/foliate-js/epubcfi.js";
import { sha1 } from "./digests.js";
import { centrePlate, drawMark, markWithBrowser, styles } from "./epub-look.js";
import { markIn, rangeOf, sentencesOf } from "./epub-text.js";
import { wordsOf } from "./fold.js";
import { startInside } from "./inside.js";
import { Jotting } from "./jotting.js";
import { Jumps } from "./jumps.js";
import { Listen } from "./listen.js";
import { Marks } from "./marks.js";
import { Places } from "./places.js";
import { Settings } from "./settings.js";

const holder = document.querySelector("#reader");
const item = holder.dataset.item;
const MARGINS = { narrow: ["16px", "2%", "900px"], middle: ["40px", "6%", "720px"], wide: ["56px", "16%", "560px"] };
let words = wordsOf(holder.dataset.words || "");

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
    this.jumps = new Jumps(this.places, (place) => this.view.goTo(target(place)));
    this.settings = new Settings(() => this.dress());
    this.slider = document.querySelector("#progress");
    this.said = document.querySelector("#where");
    this.marks = new Marks(holder, () => this.jotting.show());
    this.jotting = new Jotting(this);
    this.indexes = new WeakMap();
    this.drawn = new Map();
    this.chosen = null;
    this.openedMark = false;
    this.crossing = false;
    this.turning = 0;
  }

  // Turns a page: "goLeft", "goRight", "prev" or "next".
  async turn(how) {
    this.turning += 1;
    try {
      await this.view[how]();
    } finally {
      this.turning -= 1;
    }
  }

  async start(book) {
    const { view } = this;
    view.addEventListener("load", (event) => this.loaded(event.detail));
    view.addEventListener("external-link", (event) => event.preventDefault());
    view.addEventListener("create-overlay", () => this.drawAgain());
    view.addEventListener("draw-annotation", ({ detail: { draw, annotation } }) => draw(drawMark, annotation));
    view.addEventListener("show-annotation", ({ detail }) => {
      const mark = this.marks.all.find((one) => one.where === detail.value);
      this.openedMark = Boolean(mark);
      if (mark) this.jotting.open(mark);
    });
    await view.open(book);
    const first = book.sections.findIndex((one) => one.linear !== "no");
    view.renderer.addEventListener("relocate", ({ detail: { index, fraction, reason } }) => {
      const turned = reason === "page" || reason === "snap";
      // Between two chapters lies an empty page; the chapter that is shown then was reached by turning, not by a jump.
      if (turned && (fraction < 0 || fraction >= 1)) {
        this.crossing = true;
        return;
      }
      const crossed = reason === "navigation" && (this.crossing || this.turning > 0);
      this.crossing = false;
      this.moved(view.lastLocation, crossed ? "page" : reason, index <= first && !(fraction > 0));
    });
    book.transformTarget.addEventListener("data", (event) => {
      event.detail.data = Promise.resolve(event.detail.data).catch(() => "");
    });
    this.dress();
    await this.goToStart(book);
    this.listen();
    holder.classList.add("is-open");
    view.renderer.focusView && holder.dataset.focus && view.renderer.focusView();
    this.jotting.show();
    this.marks.start();
  }

  async goToStart(book) {
    const asked = Number.parseInt(holder.dataset.at, 10);
    const named = new URLSearchParams(location.search).get("mark");
    const mark = named && CFI.isCFI.test(named) ? named : null;
    const latest = this.places.latest();
    if (latest) this.jumps.now = latest;
    if (mark) {
      await this.view.goTo(mark);
      if (this.view.lastLocation) return;
    }
    if (Number.isInteger(asked) && asked >= 0 && asked < book.sections.length) {
      if (words.length && await this.goToWords(asked)) return;
      await this.view.goTo(asked);
      return;
    }
    if (latest) await this.view.init({ lastLocation: target(latest) });
    else await this.view.init({ showTextStart: true });
    if (!this.view.lastLocation) await this.view.goTo(0);
  }

  // The first place of the words in a chapter, as a CFI.
  async goToWords(index) {
    const page = await this.view.book.sections[index].createDocument();
    const range = rangeOf(page, words);
    if (!range) return false;
    await this.view.goTo(this.view.getCFI(index, range));
    return true;
  }

  async goToHit(index, typed) {
    words = wordsOf(typed);
    if (!await this.goToWords(index)) await this.view.goTo(index);
    for (const { doc } of this.view.renderer.getContents()) if (doc) markIn(doc, words);
  }

  async *texts() {
    for (const [section, one] of this.view.book.sections.entries()) {
      const page = one.linear === "no" ? null : await one.createDocument();
      if (!page || !page.body) continue;
      for (const odd of page.body.querySelectorAll("script, style")) odd.remove();
      const heading = page.body.querySelector("h1, h2, h3");
      for (const block of page.body.querySelectorAll("p, li, h1, h2, h3, h4, td, th, br, div")) block.after(" ");
      yield { section, label: heading ? heading.textContent.trim() : "", text: page.body.textContent };
    }
  }

  // ---- what marks ask for

  here() {
    const { cfi, fraction, tocItem, range } = this.view.lastLocation;
    const first = range && sentencesOf(range.startContainer.ownerDocument, range).next().value;
    const quote = first ? first.toString().trim().replace(/\s+/g, " ").slice(0, 120) : "";
    return { where: CFI.collapse(cfi), fraction: fraction || 0, label: labelOf(tocItem), quote };
  }

  isHere(mark) {
    const here = this.view.lastLocation;
    if (!here) return false;
    const [from, to] = [CFI.collapse(here.cfi), CFI.collapse(here.cfi, true)];
    if (from === to || from === mark.where) return from === mark.where;
    return CFI.compare(from, mark.where) <= 0 && CFI.compare(mark.where, to) < 0;
  }

  selection() {
    if (!this.chosen) return null;
    const { range, index } = this.chosen;
    const quote = range.toString().trim().replace(/\s+/g, " ");
    if (!quote) return null;
    const { fraction, tocItem } = this.view.lastLocation;
    return { where: this.view.getCFI(index, range), fraction: fraction || 0, label: labelOf(tocItem), quote: quote.slice(0, 1000) };
  }

  deselect() {
    this.view.deselect();
    this.chosen = null;
  }

  goToMark(mark) {
    this.view.goTo(mark.where);
  }

  draw(marks) {
    this.toDraw = marks.filter((mark) => mark.kind === "highlight");
    const wanted = new Map(this.toDraw.map((mark) => [mark.where, `${mark.colour} ${Boolean(mark.note)}`]));
    for (const where of this.drawn.keys()) if (!wanted.has(where)) this.view.deleteAnnotation({ value: where });
    for (const mark of this.toDraw) {
      if (this.drawn.get(mark.where) !== wanted.get(mark.where)) this.drawOne(mark);
    }
    this.drawn = wanted;
    if (this.view.isFixedLayout) this.drawFixed();
  }

  drawOne(mark) {
    this.view.addAnnotation({ value: mark.where, colour: mark.colour, noted: Boolean(mark.note) }).catch(() => {});
  }

  drawAgain() {
    for (const mark of this.toDraw || []) this.drawOne(mark);
  }

  // Pages that are laid out once and for all have no layer of their own: the browser's own marks, where it has them.
  drawFixed() {
    for (const { doc } of this.view.renderer.getContents()) {
      const index = doc && this.indexes.get(doc);
      if (index === undefined) continue;
      markWithBrowser(doc, (this.toDraw || []).map((mark) => ({ mark, target: this.view.resolveNavigation(mark.where) }))
        .filter(({ target }) => target && target.index === index)
        .map(({ mark, target }) => ({ colour: mark.colour, range: target.anchor(doc) })));
    }
  }

  // ---- reading aloud: sentence after sentence from the page on

  async *passages() {
    const { renderer } = this.view;
    for (;;) {
      const shown = renderer.getContents().filter(({ doc }) => doc && doc.body);
      const from = this.view.lastLocation.range;
      for (const { doc, overlayer } of shown) {
        for (const range of sentencesOf(doc, from && from.startContainer.ownerDocument === doc ? from : null)) {
          yield {
            text: range.toString().replace(/\s+/g, " ").trim(),
            show: () => {
              if (overlayer) overlayer.add("spoken", range, drawMark, { colour: "spoken" });
              if (renderer.scrollToAnchor) renderer.scrollToAnchor(range);
            },
            leave: () => { if (overlayer) overlayer.remove("spoken"); },
          };
        }
      }
      await (renderer.nextSection ? renderer.nextSection() : renderer.next());
      const now = renderer.getContents().filter(({ doc }) => doc && doc.body);
      if (!now.length || (shown.length && now[0].doc === shown[0].doc)) return;
    }
  }

  dress() {
    const { renderer } = this.view;
    if (!renderer) return;
    const chosen = this.settings.chosen;
    const [margin, gap, inline] = MARGINS[chosen.margin] || MARGINS.middle;
    for (const [name, value] of [["margin", margin], ["gap", gap], ["max-inline-size", inline]]) {
      if (renderer.getAttribute(name) !== value) renderer.setAttribute(name, value);
    }
    renderer.setAttribute("flow", chosen.flow === "scroll" ? "scrolled" : "paginated");
    const wide = innerWidth > innerHeight && innerWidth >= 900;
    renderer.setAttribute("max-column-count", wide ? "2" : "1");
    if (renderer.setStyles) renderer.setStyles(styles(chosen));
    document.documentElement.dataset.ground = chosen.ground;
  }

  loaded({ doc, index }) {
    this.indexes.set(doc, index);
    this.chosen = null;
    doc.addEventListener("keydown", (event) => this.key(event));
    for (const name of ["pointerdown", "pointermove", "keydown", "wheel"]) doc.addEventListener(name, () => document.dispatchEvent(new Event("densach:active")));
    doc.addEventListener("click", (event) => {
      if (event.target.closest("a[href]") || !doc.getSelection().isCollapsed) return;
      const frame = doc.defaultView.frameElement;
      // The press may be on a highlight, which says so after this.
      setTimeout(() => {
        if (!this.openedMark) this.tap(event, frame);
        this.openedMark = false;
      });
    });
    doc.addEventListener("selectionchange", () => {
      const selection = doc.getSelection();
      const range = selection && selection.rangeCount && !selection.isCollapsed ? selection.getRangeAt(0).cloneRange() : null;
      this.chosen = range && range.toString().trim() ? { range, index } : null;
      this.jotting.selected();
    });
    if (!this.view.isFixedLayout) centrePlate(doc);
    if (words.length) markIn(doc, words);
    if (this.view.isFixedLayout) setTimeout(() => this.drawFixed());
  }

  // A tap at the edges turns the page, in the middle it shows and hides the bars.
  tap(event, frame) {
    if (this.settings.chosen.flow === "scroll") {
      document.body.classList.toggle("is-bare");
      return;
    }
    const x = frame.getBoundingClientRect().left + event.clientX;
    const part = x / innerWidth;
    if (part < 0.28) this.turn("goLeft");
    else if (part > 0.72) this.turn("goRight");
    else document.body.classList.toggle("is-bare");
  }

  // `begins`: nothing lies before this page. What has been read is counted to the end of a page, yet a cover is not 12 % of a book.
  moved({ fraction, tocItem, cfi }, reason, begins) {
    const known = Number.isFinite(fraction) && !(begins && fraction < 1) ? fraction : 0;
    this.slider.value = String(Math.round(known * 1000));
    const percent = `${Math.round(known * 100)} %`;
    this.slider.setAttribute("aria-valuetext", percent);
    this.said.textContent = labelOf(tocItem) ? `${percent} · ${labelOf(tocItem)}` : percent;
    if (reason === "page" || reason === "snap" || reason === "scroll") this.jumps.read(cfi, known);
    else if (this.aloud && this.aloud.state === "speaking") this.jumps.read(cfi, known);
    else if (reason === "navigation") this.jumps.shown(cfi, known, true);
    if (this.marks) this.jotting.showHere();
    for (const link of document.querySelectorAll("#contents a[aria-current]")) link.removeAttribute("aria-current");
    const here = tocItem && document.querySelector(`#contents a[data-href="${CSS.escape(tocItem.href || "")}"]`);
    if (here) here.setAttribute("aria-current", "true");
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowLeft") this.turn("goLeft");
    else if (event.key === "ArrowRight") this.turn("goRight");
    else if (event.key === "PageUp") this.turn("prev");
    else if (event.key === "PageDown" || (event.key === " " && !event.target.closest("button, a, summary"))) this.turn("next");
    else if (event.key === "Home") this.view.goToFraction(0);
    else if (event.key === "b") this.jotting.toggleHere();
    else if (event.key === "h" && this.selection()) this.jotting.bar.querySelector("button").click();
    else if (event.key === "n" && this.selection()) this.jotting.bar.querySelector("[data-note]").click();
    else return;
    event.preventDefault();
  }

  listen() {
    document.addEventListener("keydown", (event) => {
      if (!event.target.closest("input, select, textarea, dialog, .menu[open]")) this.key(event);
    });
    document.querySelector("#back").addEventListener("click", () => this.turn("goLeft"));
    document.querySelector("#on").addEventListener("click", () => this.turn("goRight"));
    this.slider.addEventListener("change", () => this.view.goToFraction(Number(this.slider.value) / 1000));
    this.contents(this.view.book.toc || []);
    startInside((index, typed) => this.goToHit(index, typed), () => this.texts());
    this.aloud = new Listen(this.view.language.canonical || holder.dataset.language, () => this.passages());
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

function labelOf(tocItem) {
  return tocItem && tocItem.label ? tocItem.label.trim() : "";
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

// Where to open: a CFI, or the part of the book where a reading app told its place in words of its own.
function target({ where, fraction }) {
  return CFI.isCFI.test(where) ? where : { fraction };
}
