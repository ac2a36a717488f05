// Suggestions while typing: a combobox as WAI-ARIA describes it. The focus stays in the box; arrows walk through the list.

const WAIT_MS = 120;

function startSuggestions() {
  const box = document.querySelector("#suggestions");
  const says = document.querySelector("#suggestions-say");
  const input = document.querySelector(".lamp input[type=search]");
  if (!box || !says || !input) return;
  let timer = 0;
  let asking = null;
  let asked = "";

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", "suggestions");
  input.setAttribute("aria-expanded", "false");

  const options = () => [...box.querySelectorAll("[role=option]")];
  const chosen = () => box.querySelector("[aria-selected=true]");

  function choose(option) {
    const before = chosen();
    if (before) before.setAttribute("aria-selected", "false");
    if (!option) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  }

  function show(html) {
    box.innerHTML = html;
    choose(null);
    const list = box.querySelector("[role=listbox]");
    input.setAttribute("aria-expanded", list ? "true" : "false");
    says.textContent = list ? list.dataset.says : "";
  }

  function close() {
    clearTimeout(timer);
    if (asking) asking.abort();
    asked = "";
    show("");
  }

  async function ask() {
    const words = input.value.trim();
    if (words === asked) return;
    if (!words) {
      close();
      return;
    }
    asked = words;
    if (asking) asking.abort();
    asking = new AbortController();
    try {
      const answer = await fetch(`${box.dataset.from}?q=${encodeURIComponent(input.value)}`, { signal: asking.signal });
      if (answer.ok && input.value.trim() === words) show(await answer.text());
    } catch (stopped) {
      // Typed on, or the hub is away: Enter still searches.
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.indexOf(chosen());
    if (event.key === "ArrowDown" && all.length) choose(all[at + 1] || null);
    else if (event.key === "ArrowUp" && all.length) choose(at < 0 ? all[all.length - 1] : all[at - 1] || null);
    else if (event.key === "Enter" && at >= 0) all[at].click();
    else if (event.key === "Escape" && all.length) close();
    else return;
    event.preventDefault();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!box.contains(event.target) && event.target !== input) close();
  });
  input.addEventListener("blur", () => {
    // A tap on a suggestion takes the focus first: let it arrive.
    setTimeout(() => {
      if (!box.contains(document.activeElement)) close();
    }, 200);
  });
}

startSuggestions();
