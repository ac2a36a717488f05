// The comic reader: one page at a time, turned by keys, taps, swipes or the wheel of a slider; from the right where the book is.

import { Places } from "./places.js";

const holder = document.querySelector("#reader");
const picture = document.querySelector("#page");
const number = document.querySelector("#number");
const fromRight = document.querySelector("#from-right");
const wide = document.querySelector("#wide");
const SWIPE = 50;

const remember = (name, value) => {
  try {
    localStorage.setItem(name, value);
  } catch (full) {
    // Not kept: it holds for this page.
  }
};
const recall = (name) => {
  try {
    return localStorage.getItem(name);
  } catch (refused) {
    return null;
  }
};

class Comic {
  constructor(names, right) {
    this.names = names;
    this.places = new Places(holder);
    this.at = -1;
    const side = recall(`densach.comic.right.${holder.dataset.item}`);
    fromRight.checked = side === null ? right : side === "yes";
    wide.checked = recall("densach.comic.wide") === "yes";
    this.fit();
  }

  source(at) {
    const name = this.names[at].split("/").map(encodeURIComponent).join("/");
    return `/read/${holder.dataset.item}/book/${name}`;
  }

  fit() {
    holder.classList.toggle("is-wide", wide.checked);
    holder.dir = fromRight.checked ? "rtl" : "ltr";
  }

  async show(wanted) {
    const at = Math.max(0, Math.min(this.names.length - 1, wanted));
    number.value = String(at + 1);
    if (at === this.at) return;
    this.at = at;
    picture.alt = holder.dataset.page.replace("{n}", String(at + 1)).replace("{all}", String(this.names.length));
    picture.src = this.source(at);
    picture.hidden = false;
    holder.scrollTop = 0;
    this.places.save(String(at), (at + 1) / this.names.length);
    holder.dataset.shown = String(at);
    if (at + 1 < this.names.length) new Image().src = this.source(at + 1);
  }

  turn(steps) {
    this.show(this.at + steps);
  }

  side(rightwards) {
    this.turn(rightwards === fromRight.checked ? -1 : 1);
  }
}

function listen(comic) {
  document.querySelector("#left").addEventListener("click", () => comic.side(false));
  document.querySelector("#right").addEventListener("click", () => comic.side(true));
  document.querySelector("#back").addEventListener("click", () => comic.turn(-1));
  document.querySelector("#on").addEventListener("click", () => comic.turn(1));
  number.addEventListener("change", () => comic.show(Number(number.value) - 1));
  fromRight.addEventListener("change", () => {
    remember(`densach.comic.right.${holder.dataset.item}`, fromRight.checked ? "yes" : "no");
    comic.fit();
  });
  wide.addEventListener("change", () => {
    remember("densach.comic.wide", wide.checked ? "yes" : "no");
    comic.fit();
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA|SUMMARY)$/.test(event.target.tagName)) return;
    const scrolls = holder.scrollHeight > holder.clientHeight + 4;
    const atEnd = holder.scrollTop + holder.clientHeight >= holder.scrollHeight - 4;
    if (event.key === "ArrowLeft") comic.side(false);
    else if (event.key === "ArrowRight") comic.side(true);
    else if (event.key === "PageDown" || (event.key === " " && !event.shiftKey && event.target.tagName !== "BUTTON")) {
      if (scrolls && !atEnd) return;
      comic.turn(1);
    } else if (event.key === "PageUp" || (event.key === " " && event.shiftKey)) comic.turn(-1);
    else if (event.key === "Home") comic.show(0);
    else if (event.key === "End") comic.show(comic.names.length - 1);
    else return;
    event.preventDefault();
  });
  let start = null;
  holder.addEventListener("touchstart", (event) => {
    start = event.touches.length === 1 ? { x: event.touches[0].clientX, y: event.touches[0].clientY } : null;
  }, { passive: true });
  holder.addEventListener("touchend", (event) => {
    if (!start) return;
    const dx = event.changedTouches[0].clientX - start.x;
    const dy = event.changedTouches[0].clientY - start.y;
    start = null;
    if (Math.abs(dx) > SWIPE && Math.abs(dx) > 2 * Math.abs(dy)) comic.side(dx < 0);
  }, { passive: true });
}

async function open() {
  const loading = document.querySelector("#loading");
  try {
    const answer = await fetch(`/read/${holder.dataset.item}/pages`);
    if (!answer.ok) throw new Error(String(answer.status));
    const { names, from_right: right } = await answer.json();
    const comic = new Comic(names, right);
    document.querySelector("#count").textContent = String(names.length);
    number.max = String(names.length);
    const latest = comic.places.latest();
    const asked = holder.dataset.at ? Number(holder.dataset.at) : latest ? Number(latest.where) : 0;
    listen(comic);
    await comic.show(Number.isFinite(asked) ? asked : 0);
    holder.classList.add("is-open");
    holder.focus({ preventScroll: true });
  } catch (unreadable) {
    document.querySelector("#unreadable").hidden = false;
  } finally {
    loading.hidden = true;
  }
}

picture.addEventListener("error", () => { document.querySelector("#unreadable").hidden = false; });
picture.addEventListener("load", () => { document.querySelector("#unreadable").hidden = true; });
open();
