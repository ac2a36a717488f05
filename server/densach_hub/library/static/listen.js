// Reads aloud with the voices of the reader's own machine. Where there is none for the book's language the panel says why.

const WAIT_FOR_VOICES_MS = 2500;
const RATE_KEY = "densach.reading.rate";

export class Listen {
  // `passages()` gives {text, show(), leave()} from the page on, as an async iterator.
  constructor(language, passages) {
    this.language = (language || "vi").toLowerCase();
    this.passages = passages;
    this.panel = document.querySelector("#listen");
    this.play = document.querySelector("#listen-play");
    this.stopper = document.querySelector("#listen-stop");
    this.why = document.querySelector("#listen-why");
    this.rate = document.querySelector("#listen-rate");
    this.voice = null;
    this.turn = 0;
    this.queue = null;
    this.passage = null;
    this.state = "still";
    this.start();
  }

  async start() {
    const can = "speechSynthesis" in window && "SpeechSynthesisUtterance" in window;
    this.voice = can ? voiceFor(await voices(), this.language) : null;
    const usable = Boolean(this.voice);
    document.querySelector("#listen-can").hidden = !usable;
    this.why.hidden = usable;
    if (!usable) {
      this.why.textContent = can ? this.why.dataset.voice : this.why.dataset.speech;
      return;
    }
    try {
      this.rate.value = localStorage.getItem(RATE_KEY) || "1";
    } catch (refused) {
      this.rate.value = "1";
    }
    this.rate.addEventListener("change", () => {
      try {
        localStorage.setItem(RATE_KEY, this.rate.value);
      } catch (refused) {
        // Only for this page, then.
      }
      if (this.state === "speaking") this.say();
    });
    this.play.addEventListener("click", () => (this.state === "speaking" ? this.pause() : this.go()));
    this.stopper.addEventListener("click", () => this.stop());
    addEventListener("pagehide", () => this.stop());
  }

  async go() {
    this.set("speaking");
    if (this.passage) {
      this.say();
      return;
    }
    this.queue = this.passages();
    await this.next();
  }

  async next() {
    const turn = (this.turn += 1);
    if (this.passage) this.passage.leave();
    const { value, done } = await this.queue.next();
    if (turn !== this.turn) return;
    this.passage = value || null;
    if (done) this.stop();
    else this.say();
  }

  // Says the passage from its beginning: browsers disagree on going on within one.
  say() {
    const turn = (this.turn += 1);
    speechSynthesis.cancel();
    const words = new SpeechSynthesisUtterance(this.passage.text);
    words.voice = this.voice;
    words.lang = this.voice.lang;
    words.rate = Number(this.rate.value) || 1;
    words.onend = () => { if (turn === this.turn) this.next(); };
    words.onerror = () => { if (turn === this.turn) this.stop(); };
    this.passage.show();
    speechSynthesis.speak(words);
  }

  pause() {
    this.turn += 1;
    speechSynthesis.cancel();
    this.set("paused");
  }

  stop() {
    if (this.state === "still") return;
    this.turn += 1;
    speechSynthesis.cancel();
    if (this.passage) this.passage.leave();
    this.passage = null;
    this.queue = null;
    this.set("still");
  }

  set(state) {
    this.state = state;
    this.stopper.disabled = state === "still";
    const word = { speaking: "pause", paused: "on", still: "start" }[state];
    this.play.querySelector("span").textContent = this.play.dataset[word];
    this.panel.classList.toggle("is-on", state === "speaking");
  }
}

function voices() {
  return new Promise((resolve) => {
    const now = speechSynthesis.getVoices();
    if (now.length) {
      resolve(now);
      return;
    }
    const done = () => resolve(speechSynthesis.getVoices());
    speechSynthesis.addEventListener("voiceschanged", done, { once: true });
    setTimeout(done, WAIT_FOR_VOICES_MS);
  });
}

// A voice of the language, one that needs no Internet before others.
function voiceFor(all, language) {
  const bare = language.split("-")[0];
  const fit = all.filter((voice) => voice.lang.toLowerCase().split(/[-_]/)[0] === bare);
  return fit.find((voice) => voice.localService) || fit[0] || null;
}

// [start, end] of each sentence of a text; those too long to be said at once are cut at a space.
export function sentences(text) {
  const found = [];
  for (const match of text.matchAll(/[^.!?…。！？\n]+[.!?…。！？]*["”’)\]]*\s*/gu)) {
    let start = match.index;
    const end = start + match[0].length;
    while (end - start > 300) {
      const cut = text.lastIndexOf(" ", start + 300);
      const to = cut > start ? cut + 1 : start + 300;
      found.push([start, to]);
      start = to;
    }
    if (text.slice(start, end).trim()) found.push([start, end]);
  }
  return found;
}
