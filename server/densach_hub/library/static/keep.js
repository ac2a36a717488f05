// Books kept on this device: taken, listed, brought up to date, let go. Each is a cache of its own, named after who keeps it:
// what belongs to a signed-in reader goes when that reader signs out (core/base.js) or another one signs in.
// A newer version is taken beside the older one, which goes when the newer is whole. A copy is whole when its note
// (/kept.json) is there; that is written last.

const SHELL = "densach-own-page";
const NOTE = "/kept.json";
const AT_ONCE = 4;
const ROOM = 20 * 1024 * 1024;

// Service workers and caches exist only where the address is secure (https, or this machine itself).
export const canKeep = window.isSecureContext && "serviceWorker" in navigator && "caches" in window && "locks" in navigator;

const cacheOf = (reader, copy) => `densach-${reader === "guest" ? "guest" : `own-${reader}`}-${copy.version}-book-${copy.id}`;
const isBook = (name) => /^densach-(guest|own)-.+-book-/.test(name);

export class Refused extends Error {
  constructor(why, words = "") {
    super(why);
    this.why = why;
    this.words = words;
  }
}

// Takes a copy. `told` hears how much there is of it (0 to 1). Throws Refused: "room", "network", "no" (in the hub's words).
export async function keep(item, reader, told = () => {}) {
  const done = await navigator.locks.request(`densach-keep-${item}`, async () => {
    const copy = await ask(item);
    await roomFor(copy.bytes);
    await register();
    const name = cacheOf(reader, copy);
    const whole = await caches.has(name) && await (await caches.open(name)).match(NOTE);
    if (!whole) await caches.delete(name);
    try {
      if (!whole) await fill(name, copy, reader, told);
    } catch (failed) {
      await caches.delete(name);
      throw failed instanceof Refused ? failed : new Refused(failed.name === "QuotaExceededError" ? "room" : "network");
    }
    for (const other of await caches.keys()) {
      if (other !== name && isBook(other) && other.endsWith(`-book-${item}`)) await caches.delete(other);
    }
    return copy;
  });
  await clearReaders();
  if (navigator.storage && navigator.storage.persist) navigator.storage.persist().catch(() => {});
  return done;
}

async function ask(item) {
  let answer;
  try {
    answer = await fetch(`/api/v1/items/${item}/copy`);
  } catch (offline) {
    throw new Refused("network");
  }
  if (answer.ok) return answer.json();
  const told = await answer.json().catch(() => ({}));
  throw new Refused(answer.status >= 500 || answer.status === 429 ? "network" : "no", told.title || "");
}

async function roomFor(bytes) {
  if (!navigator.storage || !navigator.storage.estimate) return;
  const { quota, usage } = await navigator.storage.estimate();
  if (quota && quota - usage < bytes + ROOM) throw new Refused("room");
}

async function register() {
  const address = "/read/worker.js";
  await Promise.all(["/read/", "/static/"].map((scope) => navigator.serviceWorker.register(address, { scope })));
}

async function fill(name, copy, reader, told) {
  const cache = await caches.open(name);
  const version = copy.reader[0].split("/")[2];
  const files = await caches.open(`densach-reader-${version}`);
  const here = new Set((await files.keys()).map((one) => new URL(one.url).pathname));
  const older = await cacheWith(copy);
  let bytes = 0;
  const wanted = [
    ...copy.book.map((address) => async () => { bytes += await takeOver(older, cache, address) || await take(cache, address); }),
    ...copy.reader.filter((address) => !here.has(decodeURI(address)) && !here.has(address)).map((address) => () => take(files, address)),
    () => take(cache, copy.page, `/read/${copy.id}`, reader),
  ];
  wanted.push(() => takePage(reader));
  let taken = 0;
  const left = [...wanted];
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      await next();
      taken += 1;
      told(taken / wanted.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const note = { ...copy, book: undefined, files: copy.reader, reader, static: version, bytes, at: Date.now() };
  await cache.put(NOTE, new Response(JSON.stringify(note), { headers: { "Content-Type": "application/json" } }));
}

// The older copy with the very same file: a new version of the hub costs no second fetching of the book.
async function cacheWith(copy) {
  for (const name of await caches.keys()) {
    if (!isBook(name) || !name.endsWith(`-book-${copy.id}`)) continue;
    const cache = await caches.open(name);
    const note = await cache.match(NOTE);
    if (note && (await note.json()).file === copy.file) return cache;
  }
  return null;
}

async function takeOver(older, cache, address) {
  const found = older && !address.endsWith("/cover") ? await older.match(address, { ignoreVary: true }) : null;
  if (!found) return 0;
  await cache.put(address, found.clone());
  return (await found.blob()).size;
}

// The page of what is kept; it has the reader's number in it, so it goes at sign-out like that reader's copies.
async function takePage(reader) {
  return take(await caches.open(SHELL), "/read/kept?copy", "/read/kept", reader);
}

// Fetches one file into a cache; answers with its size. The reader's number is written into a page of the reader's own.
async function take(cache, address, as = address, reader = "") {
  const answer = await fetch(address, { cache: as === address ? "default" : "no-cache" });
  if (!answer.ok) throw new Refused(answer.status >= 500 || answer.status === 429 ? "network" : "no");
  const headers = new Headers(answer.headers);
  headers.delete("Content-Encoding");
  let body = await answer.blob();
  if (reader) body = new Blob([(await body.text()).replaceAll("{reader}", reader)]);
  headers.set("Content-Length", String(body.size));
  headers.set("Accept-Ranges", "bytes");
  await cache.put(as, new Response(body, { status: 200, headers }));
  return body.size;
}

// The copies on this device that are whole. What an interrupted try left behind is thrown away.
export async function copies() {
  const found = [];
  for (const name of await caches.keys()) {
    if (!isBook(name)) continue;
    const note = await (await caches.open(name)).match(NOTE);
    if (note) found.push(await note.json());
    else await dropBroken(name);
  }
  const newest = new Map();
  for (const one of found.sort((a, b) => a.at - b.at)) newest.set(one.id, one);
  return [...newest.values()].reverse();
}

async function dropBroken(name) {
  const item = name.split("-book-")[1];
  await navigator.locks.request(`densach-keep-${item}`, { ifAvailable: true }, async (mine) => {
    if (mine && !await (await caches.open(name)).match(NOTE)) await caches.delete(name);
  });
}

// Bytes that this origin takes on the device, the readers' own files with them; null where the browser does not say.
export async function taken() {
  if (!navigator.storage || !navigator.storage.estimate) return null;
  return (await navigator.storage.estimate()).usage || null;
}

export async function copyOf(item) {
  return canKeep ? (await copies()).find((one) => one.id === item) : undefined;
}

export async function remove(item) {
  for (const name of await caches.keys()) if (isBook(name) && name.endsWith(`-book-${item}`)) await caches.delete(name);
  await clearReaders();
}

// Readers' files that no copy needs any more; without any copy the service worker goes too.
async function clearReaders() {
  const kept = await copies();
  const needed = new Set(kept.map((one) => `densach-reader-${one.static}`));
  for (const name of await caches.keys()) if (name.startsWith("densach-reader-") && !needed.has(name)) await caches.delete(name);
  if (kept.length) return;
  await caches.delete(SHELL);
  for (const one of await navigator.serviceWorker.getRegistrations()) {
    if (one.active && one.active.scriptURL.endsWith("/read/worker.js")) await one.unregister();
  }
}

// What another reader kept here goes; so does what the hub no longer lets anybody keep; what changed there is taken anew.
export async function bringUpToDate(reader) {
  if (!canKeep) return;
  for (const one of await copies()) {
    if (one.reader !== "guest" && reader !== "guest" && one.reader !== reader) await remove(one.id);
  }
  for (const one of await copies()) {
    try {
      const now = await ask(one.id);
      if (now.version !== one.version) await keep(one.id, one.reader);
    } catch (failed) {
      if (!(failed instanceof Refused)) throw failed;
      if (failed.why === "no") await remove(one.id);
      else return;
    }
  }
  if ((await copies()).length && !await caches.has(SHELL)) await takePage(reader);
  document.dispatchEvent(new Event("densach:kept"));
}
