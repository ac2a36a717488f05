// The PDF reader: pdf.js draws, this decides what. Pages are drawn when they come near and let go when far (old machines).

import "./polyfills.js";
import * as pdfjs from "../core/vendor/pdfjs-dist/build/pdf.min.mjs";
import { findAny, wordsOf } from "./fold.js";
import { Places } from "./places.js";

const here = new URL("../core/vendor/pdfjs-dist/", import.meta.url).href;
const holder = document.querySelector("#reader");
const sheet = document.querySelector("#sheet");
const words = wordsOf(holder.dataset.words || "");
const KEPT_PAGES = 12;
const MOST_PIXELS = 6000000;

pdfjs.GlobalWorkerOptions.workerSrc = `${here}build/pdf.worker.min.mjs`;

class Page {
  constructor(reader, number, size) {
    this.reader = reader;
    this.number = number;
    this.size = size;
    this.box = document.createElement("div");
    this.box.className = "pdfpage";
    this.box.dataset.page = String(number);
    this.box.setAttribute("role", "region");
    this.box.setAttribute("aria-label", holder.dataset.page.replace("{n}", String(number)));
    this.drawn = 0;
    this.task = null;
  }

  place(scale) {
    this.box.style.width = `${Math.floor(this.size.width * scale)}px`;
    this.box.style.height = `${Math.floor(this.size.height * scale)}px`;
  }

  async draw(scale) {
    if (this.drawn === scale) return;
    this.drawn = scale;
    this.stop();
    const page = await this.reader.document.getPage(this.number);
    const plain = page.getViewport({ scale: 1 });
    if (plain.width !== this.size.width || plain.height !== this.size.height) {
      this.size = { width: plain.width, height: plain.height };
      this.place(scale);
    }
    const viewport = page.getViewport({ scale });
    const dense = Math.min(devicePixelRatio || 1, Math.sqrt(MOST_PIXELS / (viewport.width * viewport.height)));
    const canvas = document.createElement("canvas");
    canvas.width = Math.floor(viewport.width * dense);
    canvas.height = Math.floor(viewport.height * dense);
    const task = page.render({ canvas, viewport, transform: dense === 1 ? null : [dense, 0, 0, dense, 0, 0] });
    this.task = task;
    try {
      await task.promise;
    } catch (stopped) {
      if (this.task === task) this.drawn = 0;
      return;
    }
    if (this.drawn !== scale) return;
    const text = document.createElement("div");
    text.className = "textLayer";
    text.style.setProperty("--total-scale-factor", String(scale));
    text.style.setProperty("--scale-factor", String(scale));
    this.box.replaceChildren(canvas, text);
    await new pdfjs.TextLayer({ textContentSource: page.streamTextContent(), container: text, viewport }).render();
    if (words.length) this.mark(text);
  }

  mark(text) {
    for (const span of text.querySelectorAll("span")) {
      const found = findAny(span.textContent, words);
      if (!found || span.children.length) continue;
      const all = span.textContent;
      const hit = document.createElement("mark");
      hit.textContent = all.slice(found[0], found[1]);
      span.replaceChildren(all.slice(0, found[0]), hit, all.slice(found[1]));
    }
  }

  stop() {
    if (this.task) this.task.cancel();
    this.task = null;
  }

  letGo() {
    this.stop();
    this.drawn = 0;
    this.box.replaceChildren();
  }
}

class Reader {
  constructor(document_) {
    this.document = document_;
    this.places = new Places(holder);
    this.pages = [];
    this.near = new Set();
    this.zoom = 1;
    this.current = 1;
  }

  async start() {
    const first = await this.document.getPage(1);
    const { width, height } = first.getViewport({ scale: 1 });
    for (let n = 1; n <= this.document.numPages; n += 1) {
      const page = new Page(this, n, { width, height });
      this.pages.push(page);
      sheet.append(page.box);
    }
    this.layOut();
    this.watch();
    const asked = Number.parseInt(holder.dataset.at, 10);
    const latest = this.places.latest();
    if (Number.isInteger(asked) && asked >= 0) this.goTo(asked + 1);
    else if (latest) this.goTo(Number.parseFloat(latest.where) || 1);
    this.listen();
    holder.classList.add("is-open");
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
    const fraction = atEnd ? 1 : (page.number - 1 + part) / this.pages.length;
    this.places.save((page.number + part).toFixed(2), fraction);
  }

  goTo(place) {
    const number = Math.min(this.pages.length, Math.max(1, Math.floor(place)));
    const page = this.pages[number - 1];
    sheet.scrollTop = page.box.offsetTop + page.box.offsetHeight * Math.max(0, place - number) - 8;
    this.current = number;
    document.querySelector("#number").value = String(number);
  }

  listen() {
    document.querySelector("#number").addEventListener("change", (event) => this.goTo(Number(event.target.value) || 1));
    document.querySelector("#back").addEventListener("click", () => this.goTo(this.current - 1));
    document.querySelector("#on").addEventListener("click", () => this.goTo(this.current + 1));
    const zoom = (factor) => {
      const place = this.current;
      this.zoom = Math.min(4, Math.max(0.5, this.zoom * factor));
      this.layOut();
      this.goTo(place);
    };
    document.querySelector("#larger").addEventListener("click", () => zoom(1.2));
    document.querySelector("#smaller").addEventListener("click", () => zoom(1 / 1.2));
    document.addEventListener("keydown", (event) => {
      if (event.target.closest("input, button, summary, a") || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "ArrowLeft") this.goTo(this.current - 1);
      else if (event.key === "ArrowRight") this.goTo(this.current + 1);
      else if (event.key === "+") zoom(1.2);
      else if (event.key === "-") zoom(1 / 1.2);
      else return;
      event.preventDefault();
    });
    let width = innerWidth;
    addEventListener("resize", () => {
      if (innerWidth === width) return;
      width = innerWidth;
      const place = this.current;
      this.layOut();
      this.goTo(place);
    });
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
          if (target) this.goTo(1 + (typeof target[0] === "number" ? target[0] : await this.document.getPageIndex(target[0])));
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
