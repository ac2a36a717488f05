// The hub's page around a lesson: takes what the lesson's frame says, and nobody else's word, and keeps it for the pupil.

const frame = document.querySelector("#lesson");
const told = document.querySelector("#lesson-told");
const SEND_AFTER_MS = 1000;

if (frame) {
  const { item, part, key, kept } = frame.dataset;
  let unsent = null;
  let timer = 0;

  const say = (words) => { if (told) told.textContent = words; };

  const send = async (leaving) => {
    clearTimeout(timer);
    timer = 0;
    const said = unsent;
    if (!said) return;
    unsent = null;
    try {
      const answer = await fetch(`/api/v1/items/${item}/lesson/${part}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ said }),
        keepalive: leaving,
      });
      if (answer.ok) {
        const run = await answer.json();
        frame.dataset.saved = String(Number(frame.dataset.saved || 0) + 1);
        say(run.score === null ? told.dataset.saved : told.dataset.scored.replace("{score}", String(run.score)));
      } else if (answer.status >= 500) unsent = unsent || said;
      else say(told.dataset.refused);
    } catch (offline) {
      unsent = unsent || said;
      say(told.dataset.offline);
    }
    if (unsent && !leaving && !timer) timer = setTimeout(() => send(false), SEND_AFTER_MS * 5);
  };

  addEventListener("message", (event) => {
    const data = event.data;
    if (event.source !== frame.contentWindow || !data || data.densach !== "lesson" || data.key !== key) return;
    if (typeof data.said !== "object" || data.said === null) return;
    if (kept !== "yes") return;
    unsent = data.said;
    if (data.finished) send(false);
    else if (!timer) timer = setTimeout(() => send(false), SEND_AFTER_MS);
  });
  addEventListener("pagehide", () => send(true));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") send(true);
  });
  frame.src = frame.dataset.src;
}
