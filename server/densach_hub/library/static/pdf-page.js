// One page of a PDF: drawn when it comes near, let go when far (old machines), with its text and the reader's marks on it.

import * as pdfjs from "../core/vendor/pdfjs-dist/build/pdf.min.mjs";
import { findAny } from "./fold.js";
import { quoteIn } from "./pdf-text.js";

const MOST_PIXELS = 6000000;

export class Page {
  constructor(reader, number, size) {
    this.reader = reader;
    this.number = number;
    this.size = size;
    this.box = document.createElement("div");
    this.box.className = "pdfpage";
    this.box.dataset.page = String(number);
    this.box.setAttribute("role", "region");
    this.box.setAttribute("aria-label", reader.labelOf(number));
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
    const marked = document.createElement("div");
    marked.className = "marklayer";
    this.box.replaceChildren(canvas, marked, text);
    await new pdfjs.TextLayer({ textContentSource: page.streamTextContent(), container: text, viewport }).render();
    if (this.reader.words.length) this.mark(text);
    this.drawMarks();
  }

  get text() {
    return this.box.querySelector(".textLayer");
  }

  // The reader's highlights, below the text so that it can still be selected.
  drawMarks() {
    const layer = this.box.querySelector(".marklayer");
    const { text } = this;
    if (!layer || !text) return;
    layer.replaceChildren();
    const box = this.box.getBoundingClientRect();
    for (const mark of this.reader.highlightsOn(this.number)) {
      const range = quoteIn(text, mark.where, mark.quote);
      if (!range) continue;
      for (const rect of range.getClientRects()) {
        if (rect.width < 1) continue;
        const piece = document.createElement("div");
        piece.className = `marklayer__piece hl--${mark.colour}${mark.note ? " is-noted" : ""}`;
        piece.dataset.mark = mark.id;
        piece.style.left = `${((rect.left - box.left) / box.width) * 100}%`;
        piece.style.top = `${((rect.top - box.top) / box.height) * 100}%`;
        piece.style.width = `${(rect.width / box.width) * 100}%`;
        piece.style.height = `${(rect.height / box.height) * 100}%`;
        layer.append(piece);
      }
    }
  }

  // The mark under a point of the screen.
  markAt(x, y) {
    for (const piece of this.box.querySelectorAll(".marklayer__piece[data-mark]")) {
      const rect = piece.getBoundingClientRect();
      if (x >= rect.left && x <= rect.right && y >= rect.top && y <= rect.bottom) return piece.dataset.mark;
    }
    return null;
  }

  mark(text) {
    for (const span of text.querySelectorAll("span")) {
      if (span.querySelector("span")) continue;
      const found = findAny(span.textContent, this.reader.words);
      if (!found) continue;
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
