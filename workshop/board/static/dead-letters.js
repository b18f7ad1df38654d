// Ages count on while the page is open.
"use strict";

const UNITS = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];

function showAges() {
  for (const each of document.querySelectorAll("time[data-since]")) {
    const seconds = Math.max(Math.floor((Date.now() - Date.parse(each.dateTime)) / 1000), 0);
    const [unit, size] = UNITS.find(([, least]) => seconds >= least) || ["s", 1];
    each.textContent = `${Math.floor(seconds / size)}${unit}`;
  }
}

setInterval(showAges, 1000);
