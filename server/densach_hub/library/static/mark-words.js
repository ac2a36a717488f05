// Marks in an article what somebody looked for and goes there; put into the article by the packages' origin, which has no session
// of ours. (Text fragments would do, but browsers do not follow them in a frame of another origin.)

import { foldWithPlaces, wordsOf } from "./fold.js";

const MOST = 200;
const PASSED_OVER = "script, style, noscript, textarea, select, option, title, svg, math, template";
const words = wordsOf(new URLSearchParams(location.search).get("words") || "");

function patternOf(parts) {
  const safe = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return (between) => new RegExp(`(?<![\\p{L}\\p{N}])(?:${safe.join(between)})`, "gu");
}

function placesOf(pattern) {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node && found.length < MOST; node = walker.nextNode()) {
    if (!node.data.trim() || node.parentElement.closest(PASSED_OVER)) continue;
    const { folded, places } = foldWithPlaces(node.data);
    for (const match of folded.matchAll(pattern)) {
      found.push({ node, from: places[match.index], to: places[match.index + match[0].length] });
    }
  }
  return found;
}

function mark({ node, from, to }) {
  const range = document.createRange();
  range.setStart(node, from);
  range.setEnd(node, to);
  const around = document.createElement("mark");
  around.style.cssText = "background:#ffd98a;color:#1b1b1b;padding:0;font:inherit";
  range.surroundContents(around);
  return around;
}

// The phrase, else its words wherever they stand (short ones only within the phrase).
function markAll() {
  if (!words.length || !document.body) return;
  let found = placesOf(patternOf(words)("[^\\p{L}\\p{N}]+"));
  if (!found.length) {
    const long = words.filter((word) => word.length > 2);
    if (long.length) found = placesOf(patternOf(long)("|"));
  }
  // From the last to the first: a piece before a mark keeps its places.
  const first = found.reverse().map(mark).pop();
  if (!first) return;
  for (let above = first.closest("details"); above; above = above.parentElement.closest("details")) above.open = true;
  first.scrollIntoView({ block: "center" });
}

markAll();
