// Fills in the browser's time at the moment the form is sent.
for (const field of document.querySelectorAll("[data-browser-clock]")) {
  const form = field.closest("form");
  for (const button of form.querySelectorAll("[data-needs-script]")) button.hidden = false;
  form.addEventListener("submit", () => { field.value = String(Date.now()); });
}
