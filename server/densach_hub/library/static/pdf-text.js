// A stretch of a PDF page's text is kept as `page:from-to`, counted in the letters of the page's text layer.

export function lettersIn(layer) {
  return layer.textContent;
}

// How many letters of the layer stand before a place in it.
export function offsetIn(layer, node, offset) {
  const before = document.createRange();
  before.selectNodeContents(layer);
  before.setEnd(node, offset);
  return before.toString().length;
}

// The range of a mark on its page; where the text is another than it was, the same words if they still stand there.
export function quoteIn(layer, where, quote) {
  const [from, to] = where.split(":")[1].split("-").map(Number);
  const text = lettersIn(layer);
  const start = text.slice(from, from + (quote || "").length + 4).includes((quote || "").slice(0, 40)) ? from : text.indexOf(quote);
  if (start < 0 || !text) return null;
  return rangeFrom(layer, start, Math.min(text.length, start + (to - from)));
}

function rangeFrom(layer, from, to) {
  const range = document.createRange();
  const walker = document.createTreeWalker(layer, NodeFilter.SHOW_TEXT);
  let at = 0;
  let begun = false;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const { length } = node.nodeValue;
    if (!begun && from < at + length) {
      range.setStart(node, from - at);
      begun = true;
    }
    if (begun && to <= at + length) {
      range.setEnd(node, to - at);
      return range;
    }
    at += length;
  }
  return null;
}
