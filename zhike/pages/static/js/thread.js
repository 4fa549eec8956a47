// A thread: the newest is in sight, what becomes of a message is taken over by itself, a text that lies ready is put in by a tap.
const form = document.querySelector("[data-compose]");
const body = form?.querySelector("textarea");
let kept = {}; // what was typed into a text before another was tapped, by its number

// As the eye would: to the last entry, unless an address names one.
function toNewest() {
  const last = document.querySelector("[data-thread] > :last-child");
  if (last && (!location.hash || location.hash === "#compose") && !document.querySelector(".main [role=alert]")) last.scrollIntoView({ block: form ? "center" : "end" });
}

// A tap puts its text in; what was typed before comes back with the tap that it was typed under.
function put(tap) {
  const number = form.elements.text;
  kept[number.value] = body.value;
  body.value = kept[tap.dataset.text] ?? tap.dataset.words;
  number.value = tap.dataset.text;
  for (const each of form.querySelectorAll("[data-text]")) each === tap ? each.setAttribute("aria-current", "true") : each.removeAttribute("aria-current");
  body.dispatchEvent(new Event("zhike:text"));
}

form?.addEventListener("click", (event) => {
  const tap = event.target.closest("[data-text]");
  if (!tap || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  put(tap);
});
// What came back with the page (keep.js) is looked at anew, once htmx listens.
addEventListener("DOMContentLoaded", () => body && body.value !== body.defaultValue && body.dispatchEvent(new Event("zhike:text")));

// Soon while a message is on its way, else now and then; the page says how soon, in seconds.
function again() {
  const old = document.querySelector("[data-thread]");
  if (old) setTimeout(ask, 1000 * old.dataset.thread);
}

// Where a message stands changes without anybody's doing. What somebody is in (an open form, the focus) stays as it is.
async function ask() {
  again();
  const old = document.querySelector("[data-thread]");
  if (!old || document.hidden || old.querySelector("details[open]") || old.contains(document.activeElement)) return;
  try {
    const answer = await fetch(location.href, { headers: { "X-Poll": "1" }, cache: "no-store", redirect: "manual" });
    if (answer.status !== 200) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-thread]");
    if (!fresh || same(fresh, old) || old.contains(document.activeElement) || old.querySelector("details[open]")) return;
    const more = fresh.childElementCount > old.childElementCount;
    old.replaceWith(fresh);
    if (more) toNewest();
  } catch {
    // No connection: it is asked again.
  }
}

// The forms' token is another one on each page.
function same(one, other) {
  const [left, right] = [one, other].map((part) => part.cloneNode(true));
  for (const part of [left, right]) for (const token of part.querySelectorAll("[name=csrfmiddlewaretoken]")) token.remove();
  return left.isEqualNode(right);
}

toNewest();
again();
