// A page that keeps itself true: every 30 seconds it asks with its ETag, and takes over what changed.
// With nobody at keyboard, mouse or finger since the last time it says so (X-Poll): a desk left with this page open is
// signed out like any other, and the page then leaves the screen.
// The row one is in, and a row with an open form or reason, stays where it is until one leaves it.
import { clock, say, words } from "./words.js";
import { signIn } from "./page.js";

const page = document.querySelector("[data-refresh]");
const every = 30000;
let etag = page?.dataset.etag ?? "";
let timer = 0;
let lost = 0;
let worked = false;

const busy = (row) =>
  row.contains(document.activeElement) || row.matches(".row--folding") || row.querySelector("details[open], form[data-open-form]");

async function ask() {
  clearTimeout(timer);
  timer = setTimeout(ask, every);
  if (document.hidden) return;
  let answer;
  try {
    answer = await fetch(page.dataset.refresh, {
      headers: { "If-None-Match": etag, "HX-Request": "true", ...(worked ? {} : { "X-Poll": "1" }) },
      cache: "no-store",
      redirect: "manual",
    });
  } catch {
    return strip(true);
  }
  if (answer.status === 503) return strip(true);
  strip(false);
  worked = false;
  if (answer.status === 401 || answer.type === "opaqueredirect" || answer.headers.get("HX-Redirect")) {
    clearTimeout(timer);
    return typed() ? signIn() : location.assign(`${words.signinHref}?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  if (answer.status !== 200) return;
  etag = answer.headers.get("ETag") ?? "";
  take(new DOMParser().parseFromString(await answer.text(), "text/html"));
}

// Words in a field that are not sent yet: they are not thrown away, the page then only says that one is signed out.
const typed = (part = page) => [...part.querySelectorAll("input, textarea")].some((field) => field.type !== "hidden" && field.value !== field.defaultValue);

function take(fresh) {
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = document.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!old || old.contains(document.activeElement) || (!part.matches("[data-timeline]") && (typed(old) || old.querySelector("details[open] form")))) continue;
    part.matches("[data-timeline]") ? lines(old, part) : old.replaceWith(part);
    htmx.process(old.isConnected ? old : part);
  }
  const line = document.querySelector("[data-timeline]");
  const freshLine = fresh.querySelector("[data-timeline]");
  if (line && freshLine && line.contains(document.activeElement)) lines(line, freshLine), htmx.process(line);
}

// Rows that stay are never moved, not even within their list: a moved field loses its focus and half a Chinese word.
// A list is a section's, or that of a clause folded within it; what one has opened stays open.
function lines(old, fresh) {
  const staying = new Set([...old.querySelectorAll(".row")].filter(busy).map((row) => row.id));
  const list = (row) => row.closest(".line-fold, section").id;
  for (const row of fresh.querySelectorAll(".row")) {
    const kept = staying.has(row.id) && old.querySelector(`#${CSS.escape(row.id)}`);
    if (kept && list(kept) !== list(row)) row.remove(); // it stays in its old list for now
  }
  for (const row of old.querySelectorAll(".row")) if (!staying.has(row.id)) row.remove();
  for (const open of old.querySelectorAll(".line-fold > [open]")) {
    fresh.querySelector(`#${CSS.escape(open.parentElement.id)} > details`)?.setAttribute("open", "");
  }
  const holds = (node) => node.contains(document.activeElement) || [...node.querySelectorAll(".row")].some((row) => staying.has(row.id));
  const stays = (node) => staying.has(node.id) || holds(node);
  weave(old, fresh, holds, (live, section) => {
    live.querySelector(".line-head")?.replaceWith(section.querySelector(".line-head"));
    weave(live.querySelector("ol"), section.querySelector("ol"), stays, (fold, anew) => {
      if (!fold.matches(".line-fold")) return;
      fold.querySelector("small").replaceWith(anew.querySelector("small"));
      weave(fold.querySelector("ol"), anew.querySelector("ol"), stays, () => {});
    });
  });
}

function weave(old, fresh, stays, merge) {
  const live = [...old.children].filter(stays);
  const incoming = [...fresh.children];
  for (const child of [...old.children]) if (!live.includes(child)) child.remove();
  let anchor = null;
  const pending = [];
  for (const node of incoming) {
    const same = node.id && live.find((child) => child.id === node.id);
    if (same) {
      same.before(...pending.splice(0));
      merge(same, node);
      anchor = same;
    } else if (anchor) {
      anchor.after(node);
      anchor = node;
    } else pending.push(node);
  }
  if (pending.length) live[0] ? live[0].before(...pending) : old.append(...pending);
}

function strip(show) {
  const place = document.getElementById("offline");
  if (!place || Boolean(lost) === show) return;
  lost = show ? Date.now() : 0;
  place.hidden = !show;
  const words = place.querySelector("span");
  if (show && words) words.textContent = say("offline", { time: clock() });
}

if (page) {
  for (const act of ["keydown", "pointerdown", "pointermove", "wheel"]) addEventListener(act, () => (worked = true), { passive: true });
  timer = setTimeout(ask, every);
  addEventListener("zhike:refresh", ask);
  addEventListener("online", ask);
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  document.getElementById("offline")?.querySelector("button")?.addEventListener("click", ask);
}
