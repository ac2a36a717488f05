// Whether what a page keeps of a reader may be told to the hub now. A page of the hub's was made for who is signed in; a copy
// kept on this device may be open while nobody is, or somebody else: then it waits.

const FRESH_MS = 30000;
let asked = { at: 0, id: "" };

// `page`: has `reader` and `isCopy`. `leaving`: there is no time to ask.
export async function mayTell(page, leaving = false) {
  if (!page.isCopy) return true;
  if (Date.now() - asked.at > FRESH_MS || Date.now() < asked.at) {
    if (leaving) return false;
    const answer = await fetch("/api/v1/me");
    asked = { at: Date.now(), id: answer.ok ? (await answer.json()).id : "" };
  }
  return asked.id === page.reader;
}
