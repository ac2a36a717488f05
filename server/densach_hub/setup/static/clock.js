// Shows this device's clock beside the hub's and sends it at the moment of pressing. Without scripts the time is typed.

const panel = document.querySelector("[data-hub-now]");
if (panel) {
  const ahead = Date.now() - Number(panel.dataset.hubNow);
  const zone = { timeZone: "Asia/Ho_Chi_Minh", hour: "2-digit", minute: "2-digit", second: "2-digit", day: "2-digit", month: "2-digit", year: "numeric", hour12: false };
  const written = new Intl.DateTimeFormat(document.documentElement.lang === "en" ? "en-GB" : "vi-VN", zone);
  const show = () => {
    panel.querySelector("[data-hub-time]").textContent = written.format(new Date(Date.now() - ahead));
    panel.querySelector("[data-own-time]").textContent = written.format(new Date());
  };
  show();
  setInterval(show, 1000);
  panel.querySelector("[data-own]").hidden = false;
  const form = panel.querySelector("form[data-take]");
  form.hidden = false;
  form.addEventListener("submit", () => { form.elements.browser_ms.value = String(Date.now()); });
  // The hub's clock is clearly off: taking this device's is then the first choice.
  panel.classList.toggle("is-off", Math.abs(ahead) > 60000);
}
