// Live sections: <section id="x" data-live="fleet alerts" hx-get="/lab/fragments/x" hx-swap="outerHTML">.
// /live names topics that changed; the section fetches itself again, with its own permission. Data never travels here.

const QUIET_MS = 700;

export function startLive(refreshed) {
  // htmx fetches an element with hx-get on a click unless it is told otherwise; these are fetched only from here.
  document.addEventListener("htmx:beforeProcessNode", (event) => {
    const element = event.target;
    if (element.matches && element.matches("[data-live]") && !element.hasAttribute("hx-trigger")) element.setAttribute("hx-trigger", "live");
  });
  const topics = new Set();
  for (const section of document.querySelectorAll("[data-live]")) {
    for (const topic of section.dataset.live.split(/\s+/)) topics.add(topic);
  }
  if (!topics.size || !window.EventSource || !window.htmx) return;

  const changed = new Set();
  let timer = 0;
  let source = null;

  function isBusy(section) {
    const focused = document.activeElement;
    if (section.contains(focused) && focused.matches("input, textarea, select")) return true;
    return Boolean(section.querySelector("dialog[open], input:checked[data-pick], details[open] form"));
  }

  async function refresh() {
    timer = 0;
    const now = [...changed];
    changed.clear();
    const sections = [...document.querySelectorAll("[data-live]")];
    for (const section of sections) {
      const wants = section.dataset.live.split(/\s+/);
      if (!wants.some((topic) => now.includes(topic))) continue;
      if (isBusy(section)) {
        wants.forEach((topic) => changed.add(topic));
        continue;
      }
      const focusedId = section.contains(document.activeElement) ? document.activeElement.id : "";
      await window.htmx.ajax("GET", section.getAttribute("hx-get"), { target: section, swap: "outerHTML", source: section });
      const fresh = section.id && document.getElementById(section.id);
      if (fresh) refreshed(fresh);
      if (focusedId) {
        const again = document.getElementById(focusedId);
        if (again) again.focus({ preventScroll: true });
      }
    }
    if (changed.size) later(5000);
  }

  function later(ms) {
    if (!timer) timer = setTimeout(() => refresh().catch(() => {}), ms);
  }

  function listen() {
    source = new EventSource(`/live?topics=${encodeURIComponent([...topics].join(","))}`);
    source.addEventListener("changed", (event) => {
      changed.add(event.data);
      later(QUIET_MS);
    });
  }

  function pause() {
    if (source) source.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) pause();
    else if (!source) {
      listen();
      topics.forEach((topic) => changed.add(topic));
      later(0);
    }
  });
  window.addEventListener("pagehide", pause);
  if (!document.hidden) listen();
}
