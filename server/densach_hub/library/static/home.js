// The first page: for guests what this browser was reading.

const KEY = /^densach\.place\.guest\.([0-9a-f]+)$/;

function guestPlaces() {
  const found = [];
  try {
    for (let n = 0; n < localStorage.length; n += 1) {
      const name = localStorage.key(n);
      const match = KEY.exec(name);
      if (!match) continue;
      const place = JSON.parse(localStorage.getItem(name));
      if (place && place.title && place.fraction < 0.995) found.push({ name, id: match[1], ...place });
    }
  } catch (unusable) {
    return [];
  }
  return found.sort((a, b) => b.at - a.at).slice(0, 6);
}

function startGuestPlaces() {
  const section = document.querySelector("#guest-places");
  if (!section) return;
  const places = guestPlaces();
  if (!places.length) return;
  const list = section.querySelector("ul");
  for (const place of places) {
    const link = document.createElement("a");
    link.className = "bookcard";
    link.href = `/read/${place.id}`;
    const picture = document.createElement("img");
    picture.className = "cover";
    picture.alt = "";
    picture.src = `/items/${place.id}/cover?v=${encodeURIComponent(place.cover || "drawn")}`;
    const title = document.createElement("span");
    title.className = "bookcard__title";
    title.textContent = place.title;
    const bar = document.createElement("progress");
    bar.className = "reading";
    bar.max = 100;
    bar.value = Math.round(place.fraction * 100);
    bar.setAttribute("aria-label", `${Math.round(place.fraction * 100)} %`);
    link.append(picture, title, bar);
    const line = document.createElement("li");
    line.append(link);
    list.append(line);
  }
  section.hidden = false;
  section.querySelector("[data-forget]").addEventListener("click", () => {
    for (const place of guestPlaces()) localStorage.removeItem(place.name);
    section.hidden = true;
  });
}

startGuestPlaces();
