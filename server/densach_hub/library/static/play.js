// Films and sounds: goes on where the reader stopped.

import { Places } from "./places.js";

const player = document.querySelector("#player");
const EVERY_S = 5;

if (player) {
  const places = new Places(player);
  const latest = places.latest();
  let last = -EVERY_S;

  const save = () => {
    if (!player.duration || player.currentTime < 1) return;
    last = player.currentTime;
    places.save(player.currentTime.toFixed(1), player.currentTime / player.duration);
  };
  const goOn = () => {
    const at = latest ? Number(latest.where) : 0;
    if (at > 3 && at < player.duration - 5) player.currentTime = at;
  };
  if (player.readyState >= 1) goOn();
  else player.addEventListener("loadedmetadata", goOn, { once: true });
  player.addEventListener("timeupdate", () => {
    if (Math.abs(player.currentTime - last) >= EVERY_S) save();
  });
  player.addEventListener("pause", save);
  player.addEventListener("ended", save);
  player.addEventListener("error", () => { document.querySelector("#unplayable").hidden = false; });
}
