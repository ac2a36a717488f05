// What the book reader uses and Chrome 109 and Firefox ESR 115 do not have yet. Import it first.

function define(target, name, value) {
  if (!(name in target)) Object.defineProperty(target, name, { value, configurable: true, writable: true });
}

define(Object, "groupBy", (items, keyOf) => {
  const groups = Object.create(null);
  let at = 0;
  for (const item of items) {
    const key = keyOf(item, at);
    at += 1;
    (groups[key] = groups[key] || []).push(item);
  }
  return groups;
});

define(Map, "groupBy", (items, keyOf) => {
  const groups = new Map();
  let at = 0;
  for (const item of items) {
    const key = keyOf(item, at);
    at += 1;
    if (groups.has(key)) groups.get(key).push(item);
    else groups.set(key, [item]);
  }
  return groups;
});

define(Promise, "withResolvers", function withResolvers() {
  const made = {};
  made.promise = new this((resolve, reject) => {
    made.resolve = resolve;
    made.reject = reject;
  });
  return made;
});

define(Array, "fromAsync", async (items, map) => {
  const found = [];
  for await (const item of items) found.push(map ? await map(item, found.length) : item);
  return found;
});
