// On a machine that many use: who goes away is signed out, after a countdown that anybody at the machine sees.

const dialog = document.querySelector("#idle");
const IDLE_MS = Number(dialog.dataset.seconds) * 1000;
const SHOWN_MS = Math.min(60000, IDLE_MS / 2);
const KEY = "densach.active";
const TELL_HUB_MS = 60000;
const SAVING_MS = 3000;

let last = Date.now();
let written = 0;
let told = Date.now();
let leaving = false;

// Another tab of the same browser counts too.
function elsewhere() {
  try {
    return Number(localStorage.getItem(KEY)) || 0;
  } catch (refused) {
    return 0;
  }
}

function active() {
  const now = Date.now();
  last = now;
  if (now - written > 2000 || now < written) {
    written = now;
    try {
      localStorage.setItem(KEY, String(now));
    } catch (refused) {
      // Each tab for itself, then.
    }
  }
  if (now - told > TELL_HUB_MS || now < told) {
    told = now;
    fetch("/api/v1/me").catch(() => {});
  }
}

function plays() {
  const speaking = "speechSynthesis" in window && speechSynthesis.speaking;
  return speaking || [...document.querySelectorAll("video, audio")].some((one) => !one.paused && !one.ended);
}

async function leave() {
  leaving = true;
  const unsaved = [];
  document.dispatchEvent(new CustomEvent("densach:leaving", { detail: { wait: (work) => unsaved.push(work) } }));
  await Promise.race([Promise.allSettled(unsaved), new Promise((resolve) => { setTimeout(resolve, SAVING_MS); })]);
  dialog.querySelector("form").submit();
}

function look() {
  if (leaving) return;
  const now = Date.now();
  if (plays() && !dialog.open) active();
  last = Math.min(now, Math.max(last, elsewhere()));
  const left = IDLE_MS - (now - last);
  if (left <= 0) {
    leave();
  } else if (left <= SHOWN_MS) {
    dialog.querySelector("[data-left]").textContent = dialog.dataset.left.replace("{n}", String(Math.ceil(left / 1000)));
    if (!dialog.open) dialog.showModal();
  } else if (dialog.open) {
    dialog.close();
  }
}

for (const name of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "scroll"]) {
  // While the countdown is shown only its button counts: a table that is bumped is nobody.
  addEventListener(name, () => { if (!dialog.open) active(); }, { capture: true, passive: true });
}
document.addEventListener("densach:active", () => { if (!dialog.open) active(); });
dialog.addEventListener("close", active);
dialog.addEventListener("cancel", active);
dialog.querySelector("[data-stay]").addEventListener("click", () => {
  active();
  dialog.close();
});
document.addEventListener("visibilitychange", look);
active();
setInterval(look, 1000);
