// The page of what this device keeps. It works without the network: everything on it is asked of the browser.

import { canKeep, copies, remove, taken } from "./keep.js";

const box = document.querySelector("#kept");
const list = box.querySelector("ul");
const template = box.querySelector("template");
const size = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat(document.documentElement.lang === "vi" ? "vi-VN" : "en-GB");

const sizeOf = (bytes) => (bytes >= 1e6 ? `${size.format(bytes / 1e6)} MB` : `${size.format(Math.max(1, bytes / 1e3))} KB`);

function lineOf(copy) {
  const line = template.content.cloneNode(true).firstElementChild;
  for (const link of line.querySelectorAll("a")) link.href = `/read/${copy.id}`;
  line.querySelector("img").src = `/items/${copy.id}/cover`;
  line.querySelector("[data-title]").textContent = copy.title;
  line.querySelector("[data-facts]").textContent = `${box.dataset[copy.kind] || ""} · ${sizeOf(copy.bytes)} · ${day.format(copy.at)}`;
  line.querySelector("[data-of]").textContent = ` ${copy.title}`;
  const place = placeOf(copy);
  line.querySelector("progress").hidden = place === null;
  if (place !== null) line.querySelector("progress").value = place;
  line.querySelector("button").addEventListener("click", async () => {
    await remove(copy.id);
    await show();
    box.querySelector("h1, h2, [tabindex]").focus();
  });
  return line;
}

function placeOf(copy) {
  try {
    const kept = JSON.parse(localStorage.getItem(`densach.place.${copy.reader}.${copy.id}`));
    return kept ? kept.fraction : null;
  } catch (unusable) {
    return null;
  }
}

async function show() {
  const found = canKeep ? await copies() : [];
  list.replaceChildren(...found.map(lineOf));
  box.querySelector("[data-none]").hidden = found.length > 0 || !canKeep;
  box.querySelector("[data-insecure]").hidden = canKeep;
  const total = box.querySelector("[data-total]");
  const bytes = found.length ? await taken() : null;
  total.hidden = bytes === null;
  if (bytes !== null) total.textContent = box.dataset.total.replace("{size}", sizeOf(bytes));
  box.classList.add("is-shown");
}

document.addEventListener("densach:kept", show);
show();
