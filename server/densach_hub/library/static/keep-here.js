// The button "keep, to read without the network" of an item's page.

import { canKeep, copyOf, keep, Refused, remove } from "./keep.js";

const box = document.querySelector("#keep");
const { item, reader } = box.dataset;
const take = box.querySelector("[data-take]");
const bar = box.querySelector("progress");
const said = box.querySelector("[data-said]");
const kept = box.querySelector("[data-kept]");

function say(words, trouble = false) {
  said.textContent = words;
  said.hidden = !words;
  said.classList.toggle("red", trouble);
}

async function show() {
  const copy = await copyOf(item);
  take.hidden = Boolean(copy);
  kept.hidden = !copy;
}

take.addEventListener("click", async () => {
  take.disabled = true;
  bar.hidden = false;
  bar.value = 0;
  say(box.dataset.taking);
  try {
    await keep(item, reader, (part) => { bar.value = part; });
    say("");
  } catch (failed) {
    if (!(failed instanceof Refused)) console.error(failed);
    say((failed instanceof Refused && failed.words) || box.dataset[failed.why] || box.dataset.network, true);
  } finally {
    bar.hidden = true;
    take.disabled = false;
    await show();
  }
});

box.querySelector("[data-drop]").addEventListener("click", async () => {
  await remove(item);
  say("");
  await show();
  take.focus();
});

if (canKeep) show();
else {
  take.hidden = true;
  box.querySelector("[data-insecure]").hidden = false;
}
box.hidden = false;
