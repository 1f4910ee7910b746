"use strict";
// Two things: which learning curves are shown, and, on the page of `automodel watch`, swapping what has changed.

function showCurves() {
  for (const box of document.querySelectorAll("[data-shows]")) {
    for (const line of document.querySelectorAll(`#curves [data-curve="${box.dataset.shows}"]`)) {
      line.classList.toggle("off", !box.checked);
    }
  }
}

function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") target.open = true;
}

// Put new content into a section; what was opened, ticked or focused in the old stays so.
function swap(section, html, digest) {
  const open = [...section.querySelectorAll("details[open]")].map((each) => each.id);
  const boxes = [...section.querySelectorAll("input[id]")].map((each) => [each.id, each.checked]);
  const focused = section.contains(document.activeElement) ? whereIn(section, document.activeElement) : null;
  section.innerHTML = html;
  section.hidden = !html;
  const link = document.querySelector(`[data-for="${section.id}"]`);
  if (link) link.hidden = !html;
  section.dataset.digest = digest;
  for (const id of open) if (id) document.getElementById(id)?.setAttribute("open", "");
  for (const [id, checked] of boxes) {
    const box = document.getElementById(id);
    if (box) box.checked = checked;
  }
  if (focused) refocus(section, focused);
}

function whereIn(section, element) {
  const owner = element.closest("details[id], input[id]");
  return { kind: element.tagName, owner: owner ? owner.id : "" };
}

function refocus(section, { kind, owner }) {
  const place = owner ? document.getElementById(owner) : section;
  const found = place && (place.tagName === kind ? place : place.querySelector(kind));
  if (found) found.focus({ preventScroll: true });
}

// The first part on the screen that has a name: what is read must not move when something above it grows.
function steady() {
  for (const each of document.querySelectorAll("section[id], details[id]")) {
    const top = each.getBoundingClientRect().top;
    if (each.getClientRects().length && top >= 0 && top < window.innerHeight) return { id: each.id, top };
  }
  return null;
}

function take(event) {
  const told = JSON.parse(event.data);
  const held = steady();
  for (const { key, html, digest } of told.sections) {
    const section = document.getElementById(key);
    if (section && section.dataset.digest !== digest) swap(section, html, digest);
  }
  const status = document.getElementById("told");
  if (status.textContent !== told.status) status.textContent = told.status;
  showCurves();
  const moved = held && document.getElementById(held.id);
  if (moved) window.scrollBy({ top: moved.getBoundingClientRect().top - held.top, behavior: "instant" });
}

document.addEventListener("change", showCurves);
window.addEventListener("hashchange", openTarget);
showCurves();
openTarget();
if (document.documentElement.dataset.live === "yes") new EventSource("events").onmessage = take;
