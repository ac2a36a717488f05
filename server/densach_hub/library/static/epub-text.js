// Words on a book's page: its sentences, where words stand, hits shown.

import { findAny, findWords } from "./fold.js";
import { sentences } from "./listen.js";

const BLOCKS = "p, li, h1, h2, h3, h4, h5, h6, blockquote, dd, dt, figcaption, td, th, caption, pre, div";

// A range for each sentence of a page, in its blocks, from `from` on.
export function* sentencesOf(page, from) {
  for (const block of page.body.querySelectorAll(BLOCKS)) {
    if (block.querySelector(BLOCKS) || !block.textContent.trim()) continue;
    const nodes = [];
    const walker = page.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) nodes.push(node);
    for (const [start, end] of sentences(nodes.map((node) => node.nodeValue).join(""))) {
      const range = page.createRange();
      let at = 0;
      for (const node of nodes) {
        const { length } = node.nodeValue;
        if (start >= at && start < at + length) range.setStart(node, start - at);
        if (end > at && end <= at + length) range.setEnd(node, end - at);
        at += length;
      }
      if (!from || range.compareBoundaryPoints(Range.START_TO_END, from) > 0) yield range;
    }
  }
}

export function rangeOf(page, wanted) {
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
export function markIn(page, wanted) {
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
