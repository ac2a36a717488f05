// A PIN pressed as pictures, for children who do not know all digits yet: each picture stands for one digit.
// What was pressed shows as dots in the field, as typed digits do: the neighbour looks on.

const board = document.querySelector("#pictures");
const input = document.querySelector("#secret");

board.addEventListener("click", (event) => {
  const key = event.target.closest("[data-digit], [data-back]");
  if (!key) return;
  if ("back" in key.dataset) input.value = input.value.slice(0, -1);
  else if (input.value.length < 6) input.value += key.dataset.digit;
});
board.hidden = false;
