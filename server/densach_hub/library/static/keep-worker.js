// The service worker of books kept on this device: without the network it answers from the copies, and only then.
// It keeps nothing itself (keep.js does, when a reader asks for it) and never a page with somebody's name on it.
// Its scopes are /read/ (the readers) and /static/ (the worker that pdf.js starts).

const BOOKS = /^densach-(own|guest)-.*book-/;
const SHELL = "densach-own-page";
const PATIENCE_MS = 6000;
const LOOSELY = { ignoreVary: true };
const blobs = new Map();

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  const path = url.pathname;
  if (request.mode === "navigate") {
    if (path === "/read/kept" || /^\/read\/[^/]+$/.test(path)) event.respondWith(page(request, path));
  } else if (path.startsWith("/static/")) {
    event.respondWith(reader(request, path));
  } else if (/^\/read\/[^/]+\/(parts|pages|book\/.+)$/.test(path) || /^\/items\/[^/]+\/(file|cover)$/.test(path)) {
    event.respondWith(book(request, path));
  }
});

// The hub's own page while it answers; the copy's where it does not, or not in time.
async function page(request, path) {
  const kept = await (path === "/read/kept" ? inCache(SHELL, path) : inBooks(idOf(path), path));
  if (!kept) return fetch(request);
  const asked = fetch(request).then((answer) => (answer.status >= 502 && answer.status <= 504 ? kept : answer), () => kept);
  return Promise.race([asked, new Promise((resolve) => { setTimeout(() => resolve(kept), PATIENCE_MS); })]);
}

// Files of a reader never change under their address. One of another version is better than none.
async function reader(request, path) {
  const names = (await caches.keys()).filter((name) => name.startsWith("densach-reader-"));
  for (const name of names) {
    const found = await (await caches.open(name)).match(path, LOOSELY);
    if (found) return found;
  }
  try {
    return await fetch(request);
  } catch (offline) {
    const rest = path.split("/").slice(3).join("/");
    for (const name of names) {
      const cache = await caches.open(name);
      const like = (await cache.keys()).find((one) => new URL(one.url).pathname.split("/").slice(3).join("/") === rest);
      if (like) return cache.match(like, LOOSELY);
    }
    throw offline;
  }
}

async function book(request, path) {
  const found = await inBooks(idOf(path), path);
  if (!found) return fetch(request);
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get("Range") || "");
  return range && (range[1] || range[2]) ? piece(path, found, range) : found;
}

async function piece(path, whole, [, first, last]) {
  if (!blobs.has(path)) {
    blobs.clear();
    blobs.set(path, whole.blob());
  }
  const blob = await blobs.get(path);
  const from = first ? Number(first) : Math.max(0, blob.size - Number(last));
  const to = Math.min(blob.size, first && last ? Number(last) + 1 : blob.size);
  if (from >= to) return new Response(null, { status: 416, headers: { "Content-Range": `bytes */${blob.size}` } });
  return new Response(blob.slice(from, to), {
    status: 206,
    headers: {
      "Accept-Ranges": "bytes",
      "Content-Length": String(to - from),
      "Content-Range": `bytes ${from}-${to - 1}/${blob.size}`,
      "Content-Type": whole.headers.get("Content-Type") || "application/octet-stream",
    },
  });
}

function idOf(path) {
  return path.split("/")[2];
}

async function inCache(name, path) {
  return await caches.has(name) ? (await caches.open(name)).match(path, { ...LOOSELY, ignoreSearch: true }) : undefined;
}

// Only a copy that is whole (its own note is written last) is used.
async function inBooks(id, path) {
  for (const name of await caches.keys()) {
    if (!BOOKS.test(name) || !name.endsWith(`book-${id}`)) continue;
    const cache = await caches.open(name);
    if (await cache.match("/kept.json", LOOSELY)) return cache.match(path, { ...LOOSELY, ignoreSearch: true });
  }
  return undefined;
}
