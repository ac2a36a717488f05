// Films and sounds: goes on where the reader stopped, jumps to chapters and to the time a hit is at. A recording of several
// files is one: the player is handed the next file, places and chapters count from the beginning of the whole.

import { Places } from "./places.js";

const player = document.querySelector("#player");
const chapters = Array.from(document.querySelectorAll("#chapters a"));
const EVERY_S = 5;

class Recording {
  constructor() {
    this.pieces = JSON.parse(player.dataset.pieces);
    this.length = Number(player.dataset.length) || 0;
    this.places = new Places(player);
    this.piece = 0;
    this.last = -EVERY_S;
    this.pending = null;
  }

  now() {
    return this.pieces[this.piece].start + player.currentTime;
  }

  whole() {
    return this.pieces.length > 1 ? this.length || this.now() : player.duration;
  }

  save() {
    const now = this.now();
    if (!player.duration || now < 1) return;
    this.last = now;
    this.places.save(now.toFixed(1), now / this.whole());
  }

  // `second` of the whole; the other file is loaded where it lies in another one.
  seek(second, play) {
    let piece = 0;
    while (piece + 1 < this.pieces.length && this.pieces[piece + 1].start <= second) piece += 1;
    const inside = Math.max(0, second - this.pieces[piece].start);
    if (piece !== this.piece) {
      this.load(piece, inside, play);
      return;
    }
    if (player.readyState >= 1) player.currentTime = inside;
    else this.pending = inside;
    if (play) this.play();
  }

  load(piece, inside, play) {
    this.piece = piece;
    this.pending = inside;
    player.src = this.pieces[piece].src;
    player.load();
    if (play) this.play();
  }

  play() {
    player.play().catch(() => {}); // The browser wants a tap first: the reader presses play.
  }

  ready() {
    if (this.pending !== null && this.pending < player.duration) player.currentTime = this.pending;
    this.pending = null;
  }

  ended() {
    this.save();
    if (this.piece + 1 < this.pieces.length) this.load(this.piece + 1, 0, true);
  }

  mark() {
    const now = this.now() + 0.5;
    let current = null;
    chapters.forEach((link) => { if (Number(link.dataset.second) <= now) current = link; });
    chapters.forEach((link) => {
      if (link === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
  }

  begin() {
    const asked = player.dataset.at ? Number(player.dataset.at) : NaN;
    const latest = this.places.latest();
    if (Number.isFinite(asked)) this.seek(asked, false);
    else if (latest && Number(latest.where) > 3 && !(this.length && Number(latest.where) > this.length - 5)) {
      this.seek(Number(latest.where), false);
    }
  }
}

if (player) {
  const recording = new Recording();
  player.addEventListener("loadedmetadata", () => recording.ready());
  player.addEventListener("timeupdate", () => {
    recording.mark();
    if (Math.abs(recording.now() - recording.last) >= EVERY_S) recording.save();
  });
  player.addEventListener("pause", () => recording.save());
  player.addEventListener("ended", () => recording.ended());
  player.addEventListener("error", () => { document.querySelector("#unplayable").hidden = false; });
  chapters.forEach((link) => link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    recording.seek(Number(link.dataset.second), true);
  }));
  recording.begin();
}
