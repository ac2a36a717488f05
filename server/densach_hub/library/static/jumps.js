// A jump (contents, a hit, a mark, the slider) is a look elsewhere, not reading: the place stays where it was until pages
// are turned or somebody stays there. The pill at the foot leads back, or on to where another device is by now.

const STAYING_MS = 15000;
const TURNS_KEPT = 5;

export class Jumps {
  constructor(places, goTo) {
    this.places = places;
    this.goTo = goTo;
    this.pill = document.querySelector("#pill");
    this.go = this.pill.querySelector("[data-go]");
    this.target = null;
    this.turns = 0;
    this.timer = 0;
    this.now = null;
    this.go.addEventListener("click", () => {
      const { target } = this;
      this.hide();
      if (target) this.goTo(target);
    });
    this.pill.querySelector("[data-dismiss]").addEventListener("click", () => this.hide());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.ask();
    });
  }

  // The reader turned a page or scrolled.
  read(where, fraction) {
    this.now = { where, fraction };
    clearTimeout(this.timer);
    this.places.save(where, fraction);
    this.turns += 1;
    if (this.turns > TURNS_KEPT) this.hide();
  }

  // The page shows another place, by a jump or by itself (opening, turning the device).
  shown(where, fraction, jumped) {
    const before = this.now;
    if (!jumped && before) return;
    this.now = { where, fraction };
    if (!jumped) return;
    clearTimeout(this.timer);
    if (before && before.where === where) return;
    this.timer = setTimeout(() => this.stay(where, fraction), STAYING_MS);
    if (before && Math.abs(before.fraction - fraction) > 0.01) this.offer(before, "back");
  }

  async stay(where, fraction) {
    if (document.visibilityState === "visible" && !await this.places.elsewhere()) this.places.save(where, fraction);
  }

  offer(place, word) {
    this.target = place;
    this.turns = 0;
    this.go.textContent = this.pill.dataset[word].replace("{part}", `${Math.round(place.fraction * 100)} %`);
    this.pill.hidden = false;
  }

  hide() {
    this.pill.hidden = true;
    this.target = null;
  }

  // After this page was out of sight: did somebody read on on another device?
  async ask() {
    const there = await this.places.elsewhere();
    if (there && this.now && Math.abs(there.fraction - this.now.fraction) > 0.005) this.offer(there, "on");
  }
}
