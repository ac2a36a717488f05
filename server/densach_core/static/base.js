// What every page has: night and day, menus that close, live sections, tables that sort and filter, copy, confirm.
// Plain browser code for Chrome 109 and Firefox ESR 115; every page also works without it.

import { startLive } from "./live.js";
import { startTables } from "./tables.js";

const root = document.documentElement;

function isNight() {
  const chosen = root.dataset.theme;
  return chosen ? chosen === "night" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function keep(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`;
}

function startTheme() {
  for (const link of document.querySelectorAll("[data-theme-toggle]")) {
    const show = () => link.classList.toggle("is-night", isNight());
    show();
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const next = isNight() ? "day" : "night";
      root.dataset.theme = next;
      keep("theme", next);
      show();
    });
  }
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except) menu.open = false;
  }
}

function startMenus() {
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector("details.menu[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
}

// "/" goes to the search box, as in many programs people know.
function startShortcuts() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const box = document.querySelector("main input[type=search]") || document.querySelector("input[type=search]");
    if (!box) return;
    event.preventDefault();
    box.focus();
    box.select();
  });
}

async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  const text = (source.value || source.textContent).trim();
  try {
    await navigator.clipboard.writeText(text);
  } catch (refused) {
    // Plain http has no clipboard: select it, and let the old command or the person copy.
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    document.execCommand("copy");
  }
  const said = document.querySelector("#said");
  if (said) said.textContent = button.dataset.copied || "";
  const label = button.querySelector("span") || button;
  const before = label.textContent;
  label.textContent = button.dataset.copied || before;
  setTimeout(() => { label.textContent = before; }, 2000);
}

function startButtons() {
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-copy], [data-print], [data-open], [data-close]");
    if (!target) return;
    if (target.dataset.copy) copy(target);
    else if ("print" in target.dataset) window.print();
    else if (target.dataset.open) document.querySelector(target.dataset.open).showModal();
    else if ("close" in target.dataset) target.closest("dialog").close();
  });
  document.addEventListener("submit", (event) => {
    const asking = (event.submitter && event.submitter.dataset.confirm) || event.target.dataset.confirm;
    if (asking && !window.confirm(asking)) event.preventDefault();
  });
}

// A refused request inside a page (htmx) shows its reason where notices are, not in place of what was there.
function startNotices() {
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.elt.closest("[data-live]") && event.detail.xhr.status !== 401) return;
    const notices = document.querySelector("#notices");
    if (notices && event.detail.xhr.responseText.length < 4000) notices.innerHTML = event.detail.xhr.responseText;
  });
}

// On a narrow screen the tabs scroll; the one that is open has to be among those seen.
function startTabs() {
  for (const tabs of document.querySelectorAll(".tabs, .faces")) {
    const open = tabs.querySelector("a[aria-current]");
    if (!open || tabs.scrollWidth <= tabs.clientWidth) continue;
    const [outer, inner] = [tabs.getBoundingClientRect(), open.getBoundingClientRect()];
    tabs.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
  }
}

// What this browser keeps for whoever is signed in (caches called densach-own-…) goes when that person signs out.
function startSigningOut() {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!("caches" in window) || event.defaultPrevented || form.getAttribute("action") !== "/logout") return;
    event.preventDefault();
    const dropped = async () => {
      const own = (await caches.keys()).filter((name) => name.startsWith("densach-own-"));
      await Promise.all(own.map((name) => caches.delete(name)));
    };
    await Promise.race([dropped().catch(() => {}), new Promise((resolve) => { setTimeout(resolve, 3000); })]);
    form.submit();
  });
}

root.classList.add("js");
startSigningOut();
startTheme();
startMenus();
startShortcuts();
startButtons();
startNotices();
startTabs();
startTables(document);
startLive((fresh) => startTables(fresh));
