// Files on their way to the hub in pieces (tus 1.0.0): goes on after a broken line, a reload, a restart of the hub.
// Without this script the plain form does the same in one go.

import { base64, sha256 } from "./digests.js";

const PIECE = 4 * 1024 * 1024;
const AT_ONCE = 2;
const ADDRESS = "/api/v1/uploads";
const TUS = { "Tus-Resumable": "1.0.0" };
const STANDING = "/api/v1/desk/standing";
const FOLLOW_FROM_MS = 1000;
const FOLLOW_TO_MS = 20000;
const FOLLOW_AT_ONCE = 50;
const WAITS_S = [1, 2, 5, 10, 20, 30];

const drop = document.querySelector("#drop");
const words = drop ? drop.dataset : {};
const waiting = [];
let running = 0;

function sizeWords(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let n = 0;
  let value = bytes;
  while (value >= 1000 && n < units.length - 1) {
    value /= 1024;
    n += 1;
  }
  return `${value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: n > 1 ? 1 : 0 })} ${units[n]}`;
}

function encoded(text) {
  return base64(new TextEncoder().encode(text));
}

class Refused extends Error {}

// What was sent is followed until it can be read, or it is known why not: one question for all, less and less often.
class Following {
  constructor() {
    this.lines = new Map();
    this.timer = 0;
    this.wait = FOLLOW_FROM_MS;
  }

  add(item, sending) {
    this.lines.set(item, sending);
    this.wait = FOLLOW_FROM_MS;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), this.wait);
  }

  async ask() {
    const some = [...this.lines.keys()].slice(0, FOLLOW_AT_ONCE);
    try {
      const answer = await fetch(`${STANDING}?${some.map((item) => `id=${item}`).join("&")}`);
      if (answer.ok) this.told(some, await answer.json());
    } catch (away) {
      // The hub is away: asked again later.
    }
    this.wait = Math.min(this.wait * 1.5, FOLLOW_TO_MS);
    if (this.lines.size) this.timer = setTimeout(() => this.ask(), this.wait);
  }

  told(asked, standings) {
    const known = new Map(standings.map((one) => [one.id, one]));
    for (const item of asked) {
      const one = known.get(item);
      const sending = this.lines.get(item);
      this.lines.delete(item);
      if (one && one.state === "waiting") this.lines.set(item, sending);
      else if (one) sending.became(one);
    }
  }
}

const following = new Following();

class Sending {
  constructor(file, folder) {
    this.file = file;
    this.folder = folder;
    this.key = `densach.upload.${file.name}.${file.size}.${file.lastModified}`;
    this.stopped = false;
    this.line = document.createElement("li");
    this.line.className = "sending__file";
    this.name = document.createElement("span");
    this.name.className = "sending__name";
    this.name.textContent = folder ? `${folder}/${file.name}` : file.name;
    this.bar = document.createElement("progress");
    this.bar.max = Math.max(1, file.size);
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", file.name);
    this.said = document.createElement("span");
    this.said.className = "sending__said quiet small";
    this.said.textContent = words.waiting;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "btn btn--quiet";
    this.button.textContent = words.cancel;
    this.button.addEventListener("click", () => this.cancel());
    this.line.append(this.name, this.bar, this.said, this.button);
  }

  show(offset) {
    this.bar.value = offset;
    this.said.textContent = words.sending.replace("{part}", sizeWords(offset)).replace("{size}", sizeWords(this.file.size));
  }

  async run() {
    for (let tries = 0; !this.stopped;) {
      try {
        const item = await this.send();
        this.finish(item);
        return;
      } catch (error) {
        if (this.stopped) return;
        if (error instanceof Refused) {
          this.fail(error.message);
          return;
        }
        if (this.moved) tries = 0;
        this.moved = false;
        this.said.textContent = words.retrying;
        await new Promise((resolve) => setTimeout(resolve, WAITS_S[Math.min(tries, WAITS_S.length - 1)] * 1000));
        tries += 1;
      }
    }
  }

  async send() {
    this.address = this.address || localStorage.getItem(this.key);
    let offset = this.address ? await this.stand() : null;
    if (offset === null) {
      await this.open();
      offset = 0;
    }
    while (offset < this.file.size && !this.stopped) {
      offset = await this.piece(offset);
      this.moved = true;
    }
    if (!this.item) await this.stand();
    return this.item;
  }

  async open() {
    let said = `filename ${encoded(this.file.name)}`;
    if (this.folder) said += `,folder ${encoded(this.folder)}`;
    const answer = await fetch(ADDRESS, {
      method: "POST",
      headers: { ...TUS, "Upload-Length": String(this.file.size), "Upload-Metadata": said },
    });
    if (answer.status !== 201) await this.refuse(answer);
    this.address = answer.headers.get("Location");
    localStorage.setItem(this.key, this.address);
  }

  async stand() {
    const answer = await fetch(this.address, { method: "HEAD", headers: TUS });
    if (answer.status === 404 || answer.status === 410 || answer.status === 401 || answer.status === 403) {
      localStorage.removeItem(this.key);
      this.address = null;
      return null;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    this.item = answer.headers.get("Densach-Item");
    this.known = answer.headers.get("Densach-Known") === "yes";
    const offset = Number(answer.headers.get("Upload-Offset"));
    this.show(offset);
    return offset;
  }

  async piece(offset) {
    const bytes = new Uint8Array(await this.file.slice(offset, offset + PIECE).arrayBuffer());
    const answer = await this.patch(bytes, {
      ...TUS,
      "Content-Type": "application/offset+octet-stream",
      "Upload-Offset": String(offset),
      "Upload-Checksum": `sha256 ${base64(sha256(bytes))}`,
    }, offset);
    if (answer.status === 409 || answer.status === 460) return this.stand();
    if (answer.status !== 204) await this.refuse(answer);
    this.item = answer.headers.get("Densach-Item") || this.item;
    this.known = this.known || answer.headers.get("Densach-Known") === "yes";
    const now = Number(answer.headers.get("Upload-Offset"));
    this.show(now);
    return now;
  }

  // XMLHttpRequest, since fetch tells nothing while it sends.
  patch(bytes, headers, offset) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      this.request = request;
      request.open("PATCH", this.address);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.addEventListener("progress", (event) => this.show(offset + event.loaded));
      request.addEventListener("load", () => resolve({
        status: request.status,
        headers: { get: (name) => request.getResponseHeader(name) },
        json: async () => JSON.parse(request.responseText),
      }));
      request.addEventListener("error", () => reject(new Error("line")));
      request.addEventListener("abort", () => reject(new Error("stopped")));
      request.timeout = 120000;
      request.addEventListener("timeout", () => reject(new Error("slow")));
      request.send(bytes);
    });
  }

  async refuse(answer) {
    let reason = words.refused;
    try {
      const problem = await answer.json();
      reason = [problem.title, problem.detail].filter(Boolean).join(" ");
    } catch (unreadable) {
      // Not one of our answers.
    }
    if (answer.status >= 500 && answer.status !== 503) throw new Error(reason);
    if (answer.status >= 400) throw new Refused(reason);
    throw new Error(reason);
  }

  finish(item) {
    localStorage.removeItem(this.key);
    this.bar.value = this.bar.max;
    this.said.textContent = this.known ? words.already : words.done;
    this.button.remove();
    if (item) {
      const link = document.createElement("a");
      link.href = `/desk/items/${item}`;
      link.textContent = this.name.textContent;
      this.name.replaceChildren(link);
      following.add(item, this);
    }
  }

  became({ state, title, reason }) {
    const link = this.name.querySelector("a");
    if (state === "broken") {
      this.line.classList.add("is-wrong");
      this.said.textContent = reason || words.broken;
    } else if (state === "ready") {
      if (!this.known) this.said.textContent = words.ready;
      link.textContent = title;
    } else {
      this.said.textContent = words.withdrawn;
    }
  }

  fail(reason) {
    this.line.classList.add("is-wrong");
    this.said.textContent = reason;
    this.button.textContent = words.again;
    this.button.replaceWith(this.button.cloneNode(true));
    this.button = this.line.querySelector("button");
    this.button.addEventListener("click", () => {
      this.line.remove();
      add([{ file: this.file, folder: this.folder }]);
    });
  }

  cancel() {
    this.stopped = true;
    if (this.request) this.request.abort();
    if (this.address) fetch(this.address, { method: "DELETE", headers: TUS }).catch(() => {});
    localStorage.removeItem(this.key);
    this.line.remove();
  }
}

async function next() {
  while (running < AT_ONCE && waiting.length) {
    const sending = waiting.shift();
    if (sending.stopped) continue;
    running += 1;
    sending.run().finally(() => {
      running -= 1;
      next();
    });
  }
}

function add(files) {
  for (const { file, folder } of files) {
    if (!file.size || file.name.startsWith(".")) continue;
    const sending = new Sending(file, folder);
    drop.querySelector(".sending").append(sending.line);
    waiting.push(sending);
  }
  next();
}

function entriesOf(reader) {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

async function filesOf(entry, folder) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, folder }];
  }
  const found = [];
  const reader = entry.createReader();
  const inside = folder ? `${folder}/${entry.name}` : entry.name;
  for (let batch = await entriesOf(reader); batch.length; batch = await entriesOf(reader)) {
    for (const one of batch) found.push(...await filesOf(one, inside));
  }
  return found;
}

function start() {
  const form = drop.querySelector("form");
  const input = form.querySelector("input[type=file]");
  const take = () => {
    if (!input.files.length) return;
    add([...input.files].map((file) => ({ file, folder: "" })));
    input.value = "";
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take();
  });
  input.addEventListener("change", take);
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("is-over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("is-over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
    if (!entries.length) {
      add([...event.dataTransfer.files].map((file) => ({ file, folder: "" })));
      return;
    }
    for (const entry of entries) add(await filesOf(entry, ""));
  });
  const begun = Object.keys(localStorage).filter((name) => name.startsWith("densach.upload."));
  if (begun.length) {
    const note = document.createElement("li");
    note.className = "quiet small";
    note.textContent = words.resume;
    drop.querySelector(".sending").append(note);
  }
  addEventListener("beforeunload", (event) => {
    if (running) event.preventDefault();
  });
}

if (drop) start();
