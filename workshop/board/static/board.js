// Live updates. Each message of a stream has HTML elements with ids: an element replaces the one with
// its id, and a new one becomes the first of the list. Everything else is htmx's.
"use strict";

let stream = null;
let live = null;
let last = "0";
let paused = false;

function connect() {
  const found = document.querySelector("main [data-live]") || document.querySelector("[data-live]");
  if (found === live && stream) return;
  close();
  live = found;
  if (!live) return;
  last = live.dataset.after || "0";
  open();
}

function open() {
  if (!live || paused || stream || document.hidden) return;
  const address = new URL(live.dataset.live, location.href);
  address.searchParams.set("after", last);
  if (live.dataset.generation) address.searchParams.set("generation", live.dataset.generation);
  stream = new EventSource(address);
  stream.onmessage = (message) => {
    last = message.lastEventId;
    apply(message.data);
    document.body.dataset.revision = last;
  };
  stream.addEventListener("reload", () => { close(); location.reload(); });
  stream.onopen = () => { document.body.dataset.connected = "yes"; };
  stream.onerror = () => {
    document.body.dataset.connected = "no";
    if (stream && stream.readyState === EventSource.CLOSED) { close(); setTimeout(open, 2000); }
  };
}

function close() {
  if (stream) stream.close();
  stream = null;
}

function apply(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const added = [];
  for (const fresh of [...template.content.children]) {
    const old = document.getElementById(fresh.id);
    if (fresh.dataset) fresh.dataset.fresh = "yes";
    if (old) replace(old, fresh); else if (live.matches("ol, ul, tbody")) added.push(fresh);
  }
  added.reverse().forEach(add);
  // What an action answered is no longer right when the state that it names has changed.
  for (const done of document.querySelectorAll(".result [data-state]")) {
    if (done.dataset.state !== document.getElementById("faults-now")?.dataset.state) done.remove();
  }
  document.body.dispatchEvent(new CustomEvent("board:changed"));
}

function replace(old, fresh) {
  const focusable = "a, button, input, summary";
  const focused = [...old.querySelectorAll(focusable)].indexOf(document.activeElement);
  if (old.classList.contains("selected")) fresh.classList.add("selected");
  old.replaceWith(fresh);
  htmx.process(fresh);
  if (focused >= 0) fresh.querySelectorAll(focusable)[focused]?.focus({preventScroll: true});
}

// A line that the full list has removed may change later: it comes back only if it belongs there.
function add(fresh) {
  const first = Number(fresh.dataset.first ?? Infinity);
  const limit = Number(live.dataset.limit || Infinity);
  const next = [...live.children].find((each) => !(Number(each.dataset.first) > first));
  if (!next && live.children.length >= limit) return;
  live.insertBefore(fresh, next ?? null);
  htmx.process(fresh);
  if (live.children.length > limit) live.lastElementChild.remove();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("#pause");
  if (!button) return;
  paused = !paused;
  button.setAttribute("aria-pressed", String(paused));
  button.textContent = paused ? "Continue" : "Pause";
  if (paused) close(); else open();
});
document.addEventListener("htmx:afterSettle", () => { paused = paused && !!document.querySelector("#pause[aria-pressed=true]"); connect(); });
document.addEventListener("DOMContentLoaded", connect);

// The details of a line: they get the focus, their line is marked, and Escape leads back to it.
let selected = null;
document.addEventListener("htmx:afterSettle", (event) => {
  const link = event.detail.requestConfig?.elt;
  if (event.detail.target?.id !== "detail" || !link?.closest(".events")) return;
  document.querySelectorAll(".events .selected").forEach((each) => each.classList.remove("selected"));
  selected = link.closest("li").id;
  document.getElementById(selected)?.classList.add("selected");
  event.detail.target.scrollTop = 0;
  event.detail.target.focus({preventScroll: true});
  const narrow = matchMedia("(max-width: 900px)").matches, top = event.detail.target.getBoundingClientRect().top;
  if (narrow || top < 0 || top > innerHeight / 2) event.detail.target.scrollIntoView({block: narrow ? "start" : "nearest"});
});
// A new filter keeps the details open, if their event is still in the list.
let kept = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const shown = event.detail.target.id === "main" && document.querySelector("#detail:has(h2)");
  kept = shown && selected ? shown : null;
});
document.addEventListener("htmx:afterSettle", (event) => { // htmx has set its classes by now
  const line = event.detail.target.id === "main" && kept && document.getElementById(selected);
  if (line) {
    document.getElementById("detail").replaceWith(kept);
    line.classList.add("selected");
  }
  if (event.detail.target.id === "main") kept = null;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !event.target.closest("#detail")) return;
  document.getElementById(selected)?.querySelector("a")?.focus();
});
// A browser has at most six connections to one host: only the pages that are visible use one.
document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else open(); });
window.addEventListener("pagehide", close);
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
