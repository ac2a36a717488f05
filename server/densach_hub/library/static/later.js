// What a reader did while there was no network, in whichever book, goes to the hub from any of these pages; copies kept on this
// device are brought up to date. Each record has its own clock: the hub merges by it, however late it comes.

import { keysWith, sendMarks } from "./marks.js";
import { mayTell } from "./own.js";
import { tellPlace } from "./places.js";

const holder = document.querySelector("[data-reader]");
const page = { reader: holder?.dataset.reader || "guest", isCopy: true };
const open = !holder || holder.dataset.place === "no" ? "" : holder.dataset.item || "";

async function sendPlaces() {
  const prefix = `densach.place.${page.reader}.`;
  for (const key of keysWith(prefix)) {
    if (key === prefix + open) continue;
    const kept = localStorage.getItem(key);
    try {
      const answer = await tellPlace(key.slice(prefix.length), JSON.parse(kept), false);
      if ((answer.ok || answer.status === 404) && localStorage.getItem(key) === kept) localStorage.removeItem(key);
    } catch (offlineOrUnusable) {
      return;
    }
  }
}

async function catchUp() {
  try {
    if (page.reader !== "guest") {
      if (!await mayTell(page)) return;
      await sendPlaces();
      await sendMarks(page.reader, open);
    }
    if (!("caches" in window) || !(await caches.keys()).some((name) => name.startsWith("densach-"))) return;
    await (await import("./keep.js")).bringUpToDate(page.reader);
  } catch (offline) {
    // With the next chance.
  }
}

addEventListener("online", catchUp);
catchUp();
