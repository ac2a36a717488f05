// Words inside this book: the hub looks, or this device where the hub cannot be asked (`texts` yields the book's words); the hits
// are listed with their chapter or page, one press goes there.

export function startInside(goToHit, texts) {
  const panel = document.querySelector("#inside");
  const form = panel.querySelector("form");
  const list = panel.querySelector("ul");
  const said = document.querySelector("#inside-said");
  const item = document.querySelector("#reader").dataset.item;
  let asked = 0;

  panel.addEventListener("toggle", () => { if (panel.open) form.elements.q.focus(); });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const typed = form.elements.q.value.trim();
    if (!typed) return;
    asked += 1;
    const mine = asked;
    said.textContent = said.dataset.looking;
    let hits = [];
    try {
      hits = await hitsOf(typed);
    } catch (failed) {
      if (mine === asked) said.textContent = said.dataset.failed;
      return;
    }
    if (mine !== asked) return;
    said.textContent = hits.length ? said.dataset.found.replace("{n}", String(hits.length)) : said.dataset.none;
    list.replaceChildren(...hits.map((hit) => lineOf(hit, typed)));
  });

  async function hitsOf(typed) {
    try {
      const answer = await fetch(`/api/v1/items/${item}/hits?q=${encodeURIComponent(typed)}`);
      if (!answer.ok) throw new Error(String(answer.status));
      return (await answer.json()).hits;
    } catch (offline) {
      const { lookHere } = await import("./here.js");
      return lookHere(typed, texts);
    }
  }

  function lineOf(hit, typed) {
    const line = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    const at = document.createElement("span");
    at.className = "mark__at";
    at.textContent = panel.dataset.page ? panel.dataset.page.replace("{n}", String(hit.section + 1)) : hit.label || "";
    const text = document.createElement("span");
    for (const [piece, isHit] of hit.excerpt) {
      const part = isHit ? document.createElement("mark") : document.createTextNode(piece);
      if (isHit) part.textContent = piece;
      text.append(part);
    }
    button.append(at, text);
    button.addEventListener("click", () => {
      panel.open = false;
      goToHit(hit.section, typed);
    });
    line.append(button);
    return line;
  }
}
