// The dots of the flow picture: one for each delivery, or one with a number for several at once.
"use strict";

const MOST_DOTS = 40;
const SPEED = 0.45; // units of the picture in a millisecond
const SAME_MS = 200; // a delivery on a way that had one just now joins its dot
const dots = new Map();

document.body.addEventListener("board:changed", () => {
  const moves = document.getElementById("moves");
  if (!moves || !moves.children.length) return;
  const all = [...moves.children].map((each) => ({ ...each.dataset }));
  moves.replaceChildren();
  if (document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  all.forEach(move);
});

function move({ points, kind, count }) {
  const group = document.getElementById("dots");
  if (!group) return;
  const way = `${points} ${kind}`;
  const last = dots.get(way);
  if (last && last.dot.isConnected && (performance.now() - last.at < SAME_MS || group.children.length >= MOST_DOTS)) {
    label(last, last.count + Number(count));
    return;
  }
  if (group.children.length >= MOST_DOTS) return; // the numbers beside it have it
  const made = { dot: element("g", { class: `dot ${kind}` }), at: performance.now(), count: 0 };
  made.dot.append(element("circle", { r: 6 }), element("text", { y: 4 }));
  label(made, Number(count));
  group.append(made.dot);
  dots.set(way, made);
  run(made.dot, points.trim().split(" ").map((each) => each.split(",").map(Number)));
}

function label(made, count) {
  made.count = count;
  if (count < 2) return;
  made.dot.firstChild.setAttribute("r", count < 100 ? 10 : 14);
  made.dot.lastChild.textContent = count;
}

function run(dot, corners) {
  const lengths = corners.slice(1).map(([x, y], i) => Math.abs(x - corners[i][0]) + Math.abs(y - corners[i][1]));
  const whole = lengths.reduce((sum, each) => sum + each, 0) || 1;
  let gone = 0;
  const frames = corners.map(([x, y], i) => {
    gone += i ? lengths[i - 1] : 0;
    return { transform: `translate(${x}px, ${y}px)`, offset: gone / whole };
  });
  const duration = Math.min(Math.max(whole / SPEED, 400), 1400);
  const end = () => dot.remove();
  dot.animate(frames, { duration, fill: "both" }).finished.then(end, end);
}

function element(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
