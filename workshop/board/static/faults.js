// A share has a slider and a number: each follows the other.
"use strict";

document.addEventListener("input", (event) => {
  const other = event.target.dataset && document.getElementById(event.target.dataset.pair);
  if (other) other.value = event.target.value;
});
