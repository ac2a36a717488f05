// The PDF reader: pdf.js draws, this decides what.

import "./polyfills.js";
import * as pdfjs from "../core/vendor/pdfjs-dist/build/pdf.min.mjs";
import { wordsOf } from "./fold.js";
import { startInside } from "./inside.js";
import { Jotting } from "./jotting.js";
import { Jumps } from "./jumps.js";
import { Listen, sentences } from "./listen.js";
import { Marks } from "./marks.js";
import { Page } from "./pdf-page.js";
import { lettersIn, offsetIn } from "./pdf-text.js";
import { Places } from "./places.js";
import { Settings } from "./settings.js";

const here = new URL("../core/vendor/pdfjs-dist/", import.meta.url).href;
const holder = document.querySelector("#reader");
const sheet = document.querySelector("#sheet");
const KEPT_PAGES = 12;

pdfjs.GlobalWorkerOptions.workerSrc = `${here}build/pdf.worker.min.mjs`;

class Reader {
  constructor(document_) {
    this.document = document_;
    this.places = new Places(holder);
    this.jumps = new Jumps(this.places, (place) => this.jump(Number.parseFloat(place.where) || 1));
    this.settings = new Settings(() => this.dress());
    this.marks = new Marks(holder, () => this.jotting.show());
    this.jotting = new Jotting(this);
    this.words = wordsOf(holder.dataset.words || "");
    this.pages = [];
    this.near = new Set();
    this.zoom = Math.min(4, Math.max(0.5, Number(this.settings.kept.zoom) || 1));
    this.current = 1;
    this.place = 1;
    this.highlights = [];
    this.fraction = 0;
    this.bySelf = "";
  }

  // ---- what marks ask for

  here() {
    return { where: this.place.toFixed(2), fraction: this.fraction, label: this.labelOf(this.current), quote: "" };
  }

  isHere(mark) {
    return Math.floor(Number(mark.where)) === this.current;
  }

  labelOf(number) {
    return holder.dataset.page.replace("{n}", String(number));
  }

  // The selected words of one page; what reaches into the next page is cut at the page's end.
  selection() {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return null;
    const range = selection.getRangeAt(0);
    const from = range.startContainer.parentElement && range.startContainer.parentElement.closest(".textLayer");
    if (!from) return null;
    const number = Number(from.closest(".pdfpage").dataset.page);
    const start = offsetIn(from, range.startContainer, range.startOffset);
    const inside = from.contains(range.endContainer);
    const end = inside ? offsetIn(from, range.endContainer, range.endOffset) : lettersIn(from).length;
    const quote = lettersIn(from).slice(start, end).trim();
    if (!quote) return null;
    return {
      where: `${number}:${start}-${end}`, fraction: (number - 1) / this.pages.length, label: this.labelOf(number), quote: quote.slice(0, 1000),
    };
  }

  deselect() {
    getSelection().removeAllRanges();
  }

  goToMark(mark) {
    this.jump(Number.parseFloat(mark.where));
  }

  draw(marks) {
    this.highlights = marks.filter((mark) => mark.kind === "highlight");
    for (const page of this.pages) if (page.drawn) page.drawMarks();
  }

  highlightsOn(number) {
    return this.highlights.filter((mark) => Number.parseInt(mark.where, 10) === number);
  }

  async textOf(number) {
    const content = await (await this.document.getPage(number)).getTextContent();
    return content.items.map((one) => one.str + (one.hasEOL ? " " : "")).join("");
  }

  async *texts() {
    for (let section = 0; section < this.pages.length; section += 1) yield { section, label: "", text: await this.textOf(section + 1) };
  }

  // ---- reading aloud

  async *passages() {
    for (let number = this.current; number <= this.pages.length; number += 1) {
      const text = await this.textOf(number);
      for (const [start, end] of sentences(text)) {
        yield {
          text: text.slice(start, end).trim(),
          show: () => { if (this.current !== number) this.goTo(number); },
          leave: () => {},
        };
      }
    }
  }

  dress() {
    document.documentElement.dataset.ground = this.settings.chosen.ground;
  }

  async start() {
    const first = await this.document.getPage(1);
    const { width, height } = first.getViewport({ scale: 1 });
    for (let n = 1; n <= this.document.numPages; n += 1) {
      const page = new Page(this, n, { width, height });
      this.pages.push(page);
      sheet.append(page.box);
    }
    this.dress();
    this.layOut();
    this.watch();
    const asked = Number.parseInt(holder.dataset.at, 10);
    const named = Number.parseFloat(new URLSearchParams(location.search).get("mark"));
    const latest = this.places.latest();
    if (latest) this.jumps.now = latest;
    if (named >= 1) this.jump(named);
    else if (Number.isInteger(asked) && asked >= 0) this.jump(asked + 1);
    else if (latest) this.goTo(Number.parseFloat(latest.where) || 1);
    else this.goTo(1);
    this.listen();
    holder.classList.add("is-open");
    this.jotting.show();
    this.marks.start();
  }

  get scale() {
    const room = sheet.clientWidth - (innerWidth < 600 ? 0 : 32);
    return (Math.min(room, 1100) / this.pages[0].size.width) * this.zoom;
  }

  layOut() {
    const scale = this.scale;
    for (const page of this.pages) page.place(scale);
    for (const page of this.near) page.draw(scale);
  }

  watch() {
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const page = this.pages[Number(entry.target.dataset.page) - 1];
        if (entry.isIntersecting) {
          this.near.add(page);
          page.draw(this.scale);
        } else {
          this.near.delete(page);
        }
      }
      for (const page of this.pages) {
        if (page.drawn && !this.near.has(page) && Math.abs(page.number - this.current) > KEPT_PAGES / 2) page.letGo();
      }
    }, { root: sheet, rootMargin: "100% 0px" });
    for (const page of this.pages) observer.observe(page.box);
    let timer = 0;
    sheet.addEventListener("scroll", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.moved(), 150);
    }, { passive: true });
  }

  moved() {
    const middle = sheet.scrollTop + sheet.clientHeight / 3;
    let low = 0;
    let high = this.pages.length - 1;
    while (low < high) {
      const half = Math.ceil((low + high) / 2);
      if (this.pages[half].box.offsetTop <= middle) low = half;
      else high = half - 1;
    }
    const page = this.pages[low];
    this.current = page.number;
    const part = Math.min(0.99, Math.max(0, (sheet.scrollTop - page.box.offsetTop) / page.box.offsetHeight));
    document.querySelector("#number").value = String(page.number);
    const atEnd = sheet.scrollTop + sheet.clientHeight >= sheet.scrollHeight - 4;
    this.fraction = atEnd ? 1 : (page.number - 1 + part) / this.pages.length;
    this.place = page.number + part;
    const where = this.place.toFixed(2);
    if (this.bySelf) this.jumps.shown(where, this.fraction, this.bySelf === "jump");
    else this.jumps.read(where, this.fraction);
    this.bySelf = "";
    this.jotting.showHere();
  }

  // A look elsewhere: by contents, a hit, a mark, a page's number.
  jump(place) {
    this.goTo(place, "jump");
  }

  // `why`: "jump", "open" (the page moves by itself), or nothing when the reader turns pages.
  goTo(place, why = "open") {
    const number = Math.min(this.pages.length, Math.max(1, Math.floor(place)));
    const page = this.pages[number - 1];
    const before = sheet.scrollTop;
    this.bySelf = why;
    sheet.scrollTop = page.box.offsetTop + page.box.offsetHeight * Math.max(0, place - number) - 8;
    this.current = number;
    document.querySelector("#number").value = String(number);
    if (sheet.scrollTop === before) this.moved();
  }

  turn(by) {
    this.goTo(this.current + by, "");
  }

  async goToHit(index, typed) {
    this.words = wordsOf(typed);
    for (const page of this.pages) if (page.drawn && page.text) page.mark(page.text);
    this.jump(index + 1);
  }

  listen() {
    document.querySelector("#number").addEventListener("change", (event) => this.jump(Number(event.target.value) || 1));
    document.querySelector("#back").addEventListener("click", () => this.turn(-1));
    document.querySelector("#on").addEventListener("click", () => this.turn(1));
    const zoom = (factor) => {
      const { place } = this;
      this.zoom = Math.min(4, Math.max(0.5, this.zoom * factor));
      this.settings.set("zoom", this.zoom);
      this.layOut();
      this.goTo(place);
    };
    document.querySelector("#larger").addEventListener("click", () => zoom(1.2));
    document.querySelector("#smaller").addEventListener("click", () => zoom(1 / 1.2));
    document.addEventListener("keydown", (event) => {
      if (event.target.closest("input, textarea, select, dialog, .menu[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "ArrowLeft") this.turn(-1);
      else if (event.key === "ArrowRight") this.turn(1);
      else if (event.key === "+") zoom(1.2);
      else if (event.key === "-") zoom(1 / 1.2);
      else if (event.key === "b") this.jotting.toggleHere();
      else if (event.key === "h" && this.selection()) this.jotting.bar.querySelector("button").click();
      else if (event.key === "n" && this.selection()) this.jotting.bar.querySelector("[data-note]").click();
      else return;
      event.preventDefault();
    });
    let width = innerWidth;
    addEventListener("resize", () => {
      if (innerWidth === width) return;
      width = innerWidth;
      const { place } = this;
      this.layOut();
      this.goTo(place);
    });
    document.addEventListener("selectionchange", () => this.jotting.selected());
    sheet.addEventListener("click", (event) => {
      const box = event.target.closest(".pdfpage");
      if (!box || !getSelection().isCollapsed) return;
      const id = this.pages[Number(box.dataset.page) - 1].markAt(event.clientX, event.clientY);
      if (id) this.jotting.openById(id);
    });
    startInside((index, typed) => this.goToHit(index, typed), () => this.texts());
    this.aloud = new Listen(holder.dataset.language, () => this.passages());
    this.contents();
  }

  async contents() {
    const box = document.querySelector("#contents");
    const outline = await this.document.getOutline();
    box.hidden = !outline || !outline.length;
    if (box.hidden) return;
    const list = box.querySelector("ol");
    const add = (items, depth) => {
      for (const one of items) {
        const line = document.createElement("li");
        line.className = `toc--${Math.min(depth, 3)}`;
        const link = document.createElement("a");
        link.href = "#";
        link.textContent = one.title;
        link.addEventListener("click", async (event) => {
          event.preventDefault();
          box.open = false;
          const target = typeof one.dest === "string" ? await this.document.getDestination(one.dest) : one.dest;
          if (target) this.jump(1 + (typeof target[0] === "number" ? target[0] : await this.document.getPageIndex(target[0])));
        });
        line.append(link);
        list.append(line);
        if (one.items && one.items.length) add(one.items, depth + 1);
      }
    };
    add(outline, 0);
  }
}

async function start() {
  try {
    const document_ = await pdfjs.getDocument({
      url: holder.dataset.file,
      rangeChunkSize: 262144,
      disableAutoFetch: true,
      isEvalSupported: false,
      enableXfa: false,
      cMapUrl: `${here}cmaps/`,
      standardFontDataUrl: `${here}standard_fonts/`,
      wasmUrl: `${here}wasm/`,
    }).promise;
    document.querySelector("#count").textContent = String(document_.numPages);
    await new Reader(document_).start();
  } catch (error) {
    console.error(error);
    document.querySelector("#unreadable").hidden = false;
  } finally {
    document.querySelector("#loading").hidden = true;
  }
}

start();
