// Where a reader is. Kept in the browser at once, told to the hub every few seconds and when the page goes away.
// Each record has its own time; the newer one holds, whichever arrives first (the hub decides by the same rule).

import { mayTell } from "./own.js";

const SEND_AFTER_MS = 4000;

export class Places {
  constructor(holder) {
    this.item = holder.dataset.item;
    this.reader = holder.dataset.reader;
    this.signedIn = this.reader !== "guest";
    this.isCopy = "copy" in holder.dataset;
    this.key = `densach.place.${this.reader}.${this.item}`;
    this.title = holder.dataset.title || "";
    this.cover = holder.dataset.cover || "";
    this.timer = 0;
    this.unsent = null;
    this.sentAt = 0;
    this.lastAt = Date.now();
    this.hub = holder.dataset.where
      ? { where: holder.dataset.where, fraction: Number(holder.dataset.fraction), at: Date.now() - Number(holder.dataset.age) }
      : null;
    addEventListener("pagehide", () => this.flush(true));
    document.addEventListener("densach:leaving", (event) => event.detail.wait(this.flush(true)));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.flush(true);
    });
  }

  // The place to open: this browser's or the hub's, the newer one. What the hub never heard of is told now.
  latest() {
    const here = this.here();
    if (here && this.isFromTheFuture(here)) {
      // This machine's clock was set back since: how old the record is nobody knows, so it only counts if it is further on.
      localStorage.removeItem(this.key);
      if (this.hub && this.hub.fraction >= here.fraction) return this.hub;
      this.save(here.where, here.fraction);
      return this.here() || here;
    }
    if (here && this.signedIn) {
      this.unsent = here;
      this.flush(false);
    }
    if (!here) return this.hub;
    return this.hub && this.hub.at >= here.at ? this.hub : here;
  }

  isFromTheFuture(record) {
    return record.at > Date.now() + 60000;
  }

  // Where another device is by now, when that is newer than what this page knows; null otherwise.
  async elsewhere() {
    if (!this.signedIn || this.unsent || !await mayTell(this)) return null;
    try {
      const answer = await fetch(`/api/v1/items/${this.item}/place`);
      if (!answer.ok) return null;
      const told = await answer.json();
      const at = Date.now() - told.age_ms;
      if (at <= this.lastAt + 500) return null;
      return { where: told.where, fraction: told.fraction, at };
    } catch (offline) {
      return null;
    }
  }

  here() {
    try {
      return JSON.parse(localStorage.getItem(this.key));
    } catch (unusable) {
      return null;
    }
  }

  save(where, fraction) {
    const known = Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0;
    const record = { where: String(where), fraction: known, at: Date.now() };
    if (!this.signedIn) Object.assign(record, { title: this.title, cover: this.cover });
    this.lastAt = record.at;
    this.keep(record);
    if (!this.signedIn) return;
    this.unsent = record;
    const since = Date.now() - this.sentAt;
    if (since >= SEND_AFTER_MS) this.flush(false);
    else if (!this.timer) this.timer = setTimeout(() => this.flush(false), SEND_AFTER_MS - since);
  }

  keep(record) {
    try {
      localStorage.setItem(this.key, JSON.stringify(record));
    } catch (full) {
      // No room or not allowed: the hub still keeps it for those who are signed in.
    }
  }

  // The hub has it: on a machine others use too, nothing of a signed-in reader stays behind.
  letGo(record) {
    const here = this.here();
    if (here && here.at <= record.at) localStorage.removeItem(this.key);
  }

  async flush(leaving) {
    clearTimeout(this.timer);
    this.timer = 0;
    const record = this.unsent;
    if (!record) return;
    this.unsent = null;
    this.sentAt = Date.now();
    try {
      if (!await mayTell(this, leaving)) throw new Error("not theirs to tell now");
      const answer = await tellPlace(this.item, record, leaving);
      if (answer.ok) this.letGo(record);
      else if (answer.status >= 500) this.unsent = this.unsent || record;
    } catch (offline) {
      this.unsent = this.unsent || record;
      if (!leaving && !this.timer) this.timer = setTimeout(() => this.flush(false), SEND_AFTER_MS * 4);
    }
  }
}

// Tells the hub a place. Places of other books that wait in this browser go the same way (later.js).
export function tellPlace(item, record, leaving) {
  return fetch(`/api/v1/items/${item}/place`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ where: record.where, fraction: record.fraction, at: record.at, now: Date.now(), device: deviceName() }),
    keepalive: leaving,
  });
}

function deviceName() {
  const agent = navigator.userAgent;
  if (/Android/.test(agent)) return "Android";
  if (/iPhone|iPad/.test(agent)) return "iOS";
  return /Windows/.test(agent) ? "Windows" : /CrOS/.test(agent) ? "ChromeOS" : /Linux/.test(agent) ? "Linux" : "";
}
