// A reader's bookmarks, highlights and notes in one book. A change is kept in the browser at once and told to the hub
// soon; what the hub could not be told (no network, session over) waits in the browser and goes with the next chance.
// A guest's marks stay in this browser.

import { mayTell } from "./own.js";

const SEND_AFTER_MS = 700;
const AGAIN_AFTER_MS = 15000;
const AT_ONCE = 100;

export class Marks {
  constructor(holder, changed) {
    this.item = holder.dataset.item;
    this.reader = holder.dataset.reader;
    this.signedIn = this.reader !== "guest";
    this.isCopy = "copy" in holder.dataset;
    this.changed = changed;
    this.prefix = `densach.marks.${this.reader}.`;
    this.known = new Map();
    this.waiting = new Map();
    this.trouble = "";
    this.late = false;
    this.timer = 0;
    this.sending = null;
    const kept = load(`${this.prefix}${this.item}`);
    if (this.signedIn) for (const mark of kept) this.waiting.set(mark.id, { ...mark, refused: false });
    else for (const mark of kept) this.known.set(mark.id, mark);
    addEventListener("pagehide", () => this.flush(true));
    addEventListener("online", () => this.flush(false));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.flush(true);
      else this.refresh();
    });
    document.addEventListener("densach:leaving", (event) => event.detail.wait(this.flush(true)));
  }

  // Those that are there, in the order of the book.
  get all() {
    const now = new Map(this.known);
    for (const [id, mark] of this.waiting) now.set(id, mark);
    return [...now.values()].filter((mark) => !mark.deleted).sort((a, b) => a.fraction - b.fraction || a.made - b.made);
  }

  async start() {
    if (!this.signedIn) return;
    await this.refresh();
    this.flush(false);
  }

  async refresh() {
    if (!this.signedIn || this.sending) return;
    try {
      if (!await mayTell(this)) return;
      const answer = await fetch(`/api/v1/items/${this.item}/marks`);
      if (!answer.ok) return;
      this.learn((await answer.json()).marks);
      this.changed();
    } catch (offline) {
      // What waits here is shown all the same.
    }
  }

  learn(marks) {
    this.known = new Map(marks.map((mark) => [mark.id, { ...mark, made: mark.made_at, base: mark.version }]));
  }

  // Takes a new or changed mark. Answers with it as it is kept.
  put(mark) {
    const now = Date.now();
    const before = this.waiting.get(mark.id) || this.known.get(mark.id);
    const next = { note: "", quote: "", label: "", colour: null, made: now, base: 0, ...before, ...mark, at: now, deleted: false };
    if (!next.id) next.id = newId();
    next.refused = false;
    this.keep(next);
    return next;
  }

  remove(id) {
    const before = this.waiting.get(id) || this.known.get(id);
    if (!before) return null;
    this.keep({ ...before, at: Date.now(), deleted: true });
    return before;
  }

  keep(mark) {
    if (this.signedIn) {
      this.waiting.set(mark.id, mark);
    } else if (mark.deleted) {
      this.known.delete(mark.id);
    } else {
      this.known.set(mark.id, mark);
    }
    this.trouble = this.store() ? "" : "full";
    this.changed();
    if (!this.signedIn) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(false), SEND_AFTER_MS);
  }

  store() {
    return save(`${this.prefix}${this.item}`, [...(this.signedIn ? this.waiting : this.known).values()]);
  }

  async flush(leaving) {
    clearTimeout(this.timer);
    if (this.sending && !leaving) await this.sending;
    const sent = this.signedIn ? [...this.waiting.values()].filter((mark) => !mark.refused).slice(0, AT_ONCE) : [];
    if (!sent.length) return;
    const work = this.send(leaving ? fitting(sent) : sent, leaving);
    this.sending = work;
    const outcome = await work;
    this.late = outcome === "later";
    if (this.sending === work) this.sending = null;
    const left = [...this.waiting.values()].some((mark) => !mark.refused);
    if (left && outcome !== "no") this.timer = setTimeout(() => this.flush(false), outcome === "sent" ? SEND_AFTER_MS : AGAIN_AFTER_MS);
    this.changed();
  }

  // "sent", "later" (no network, hub busy) or "no": the hub will not take it however often it is asked.
  async send(sent, leaving) {
    try {
      if (!await mayTell(this, leaving)) return "later";
      const answer = await tell(this.item, sent, leaving);
      if (answer.status === 401) this.trouble = "signed-out";
      if (!answer.ok) return answer.status >= 500 || answer.status === 429 ? "later" : "no";
      const told = await answer.json();
      const refused = new Set(told.refused.map((one) => one.id));
      this.learn(told.marks);
      this.trouble = told.refused.length ? told.refused[0].title : "";
      for (const mark of sent) {
        const now = this.waiting.get(mark.id);
        const base = this.known.has(mark.id) ? this.known.get(mark.id).base : 0;
        if (refused.has(mark.id)) this.waiting.set(mark.id, { ...now, refused: now === mark });
        else if (now === mark) this.waiting.delete(mark.id);
        else if (now) this.waiting.set(mark.id, { ...now, base });
      }
      this.store();
      return "sent";
    } catch (offline) {
      return "later";
    }
  }
}

// What was written in other books while there was no network. `except`: the book that is open takes care of its own.
export async function sendMarks(reader, except = "") {
  const prefix = `densach.marks.${reader}.`;
  for (const key of keysWith(prefix)) {
    const item = key.slice(prefix.length);
    const left = load(key);
    if (item === except) continue;
    if (!left.length) {
      localStorage.removeItem(key);
      continue;
    }
    try {
      const answer = await tell(item, left.slice(0, AT_ONCE), false);
      if (answer.ok || answer.status === 404) save(key, left.slice(AT_ONCE));
    } catch (offline) {
      return;
    }
  }
}

function tell(item, marks, leaving) {
  const plain = marks.map(({ id, kind, where, at, made, fraction, label, quote, note, colour, deleted, base }) =>
    ({ id, kind, where, at, made, fraction, label, quote, note, colour, deleted, base }));
  return fetch(`/api/v1/items/${item}/marks`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ marks: plain, now: Date.now(), device: device() }),
    keepalive: leaving,
  });
}

// What goes with a page that closes: browsers send up to 64 KB then.
function fitting(marks) {
  let size = 0;
  return marks.filter((mark) => {
    size += JSON.stringify(mark).length * 3;
    return size < 60000;
  });
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Tells this browser from the reader's others; it says nothing of either.
function device() {
  try {
    const known = localStorage.getItem("densach.device") || newId();
    localStorage.setItem("densach.device", known);
    return known;
  } catch (refused) {
    return "";
  }
}

function load(key) {
  try {
    const kept = JSON.parse(localStorage.getItem(key));
    return Array.isArray(kept) ? kept : [];
  } catch (unusable) {
    return [];
  }
}

function save(key, marks) {
  try {
    if (marks.length) localStorage.setItem(key, JSON.stringify(marks));
    else localStorage.removeItem(key);
    return true;
  } catch (full) {
    return false;
  }
}

export function keysWith(prefix) {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  } catch (refused) {
    return [];
  }
}
