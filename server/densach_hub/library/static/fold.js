// The same folding as the hub's (densach_core/folding.py), to find words in what is on the page.

const WHOLE = {
  đ: "d", Đ: "d", ð: "d", Ð: "d", ß: "ss", ẞ: "ss", œ: "oe", Œ: "oe", æ: "ae", Æ: "ae", ø: "o", Ø: "o", ł: "l", Ł: "l",
  þ: "th", Þ: "th", ı: "i", İ: "i", ħ: "h", Ħ: "h", ŧ: "t", Ŧ: "t", ŋ: "n", Ŋ: "n", ơ: "o", Ơ: "o", ư: "u", Ư: "u", "’": "'", "‘": "'",
};

export function fold(text) {
  let folded = "";
  for (const letter of text) folded += WHOLE[letter] || letter.normalize("NFKD").replace(/\p{M}/gu, "");
  return folded.toLowerCase();
}

// The folded text, and for each of its letters the index in `text` it came from.
export function foldWithPlaces(text) {
  let folded = "";
  const places = [];
  let index = 0;
  for (const letter of text) {
    const piece = fold(letter);
    for (let n = 0; n < piece.length; n += 1) places.push(index);
    folded += piece;
    index += letter.length;
  }
  places.push(text.length);
  return { folded, places };
}

export function wordsOf(typed) {
  return fold(typed).match(/[\p{L}\p{N}]+/gu) || [];
}

// [start, end] of the phrase in `text`; null when it does not stand there.
export function findWords(text, words) {
  if (!words.length) return null;
  const { folded, places } = foldWithPlaces(text);
  const phrase = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("[^\\p{L}\\p{N}]+");
  const match = new RegExp(`(?<![\\p{L}\\p{N}])${phrase}`, "u").exec(folded);
  if (!match) return null;
  return [places[match.index], places[match.index + match[0].length]];
}

// The phrase, else the first of its words that stands there (short words only within the phrase).
export function findAny(text, words) {
  const phrase = findWords(text, words);
  if (phrase || words.length < 2) return phrase;
  for (const word of words) {
    const found = word.length > 2 ? findWords(text, [word]) : null;
    if (found) return found;
  }
  return null;
}
