// Words inside a book looked for on this device, when the hub cannot be asked. Plainer than the hub's search: the phrase,
// or else any of its words, in the order of the book.

import { findAny, findWords, wordsOf } from "./fold.js";

const MOST = 50;
const MOST_IN_ONE = 3;
const AROUND = 60;

// `texts` yields { section, label, text }. Answers with hits like the hub's.
export async function lookHere(typed, texts) {
  const words = wordsOf(typed);
  const hits = [];
  if (!words.length) return hits;
  const known = [];
  for await (const one of texts()) known.push({ ...one, text: one.text.replace(/\s+/g, " ") });
  for (const find of words.length > 1 ? [findWords, findAny] : [findWords]) {
    for (const one of known) {
      for (const hit of hitsIn(one, words, find)) {
        hits.push(hit);
        if (hits.length === MOST) return hits;
      }
    }
    if (hits.length) return hits;
  }
  return hits;
}

function* hitsIn({ section, label, text }, words, find) {
  let at = 0;
  for (let n = 0; n < MOST_IN_ONE; n += 1) {
    const found = find(text.slice(at), words);
    if (!found) return;
    const [start, end] = [at + found[0], at + found[1]];
    const from = Math.max(0, text.lastIndexOf(" ", Math.max(0, start - AROUND)) + 1);
    const until = text.indexOf(" ", end + AROUND);
    const to = until < 0 ? text.length : until;
    yield {
      section, label,
      excerpt: [[`${from ? "…" : ""}${text.slice(from, start)}`, false], [text.slice(start, end), true], [`${text.slice(end, to)}${to < text.length ? "…" : ""}`, false]],
    };
    at = to;
  }
}
