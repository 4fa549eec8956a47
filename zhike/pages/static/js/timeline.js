// The timeline moves: countdowns change on the minute, a done row folds away and hands the focus on.
import { now, say, span } from "./words.js";

const spoken = document.getElementById("spoken");
const told = new Set();

function tick() {
  for (const element of document.querySelectorAll("[data-countdown]")) {
    const seconds = (Date.parse(element.dateTime) - now()) / 1000;
    const minutes = seconds >= 0 ? Math.ceil(seconds / 60) : Math.floor(-seconds / 60);
    if (element.dataset.countdown === "now") {
      large(element, seconds >= 0, minutes);
      speak(element, seconds, minutes);
    } else element.textContent = say(seconds >= 0 ? "left" : "late", { span: span(minutes) });
  }
  setTimeout(tick, 60000 - (now() % 60000) + 50);
}

// "4 分后": the figure is large, the words small
function large(element, ahead, minutes) {
  const pattern = say(minutes === 0 ? "now" : ahead ? "ahead" : "behind", { n: "\0" });
  const [before, after] = pattern.split("\0");
  const figure = document.createElement("b");
  figure.textContent = after === undefined ? before : minutes;
  element.replaceChildren(...(after === undefined ? [figure] : [before, figure, after]));
}

// Said aloud at ten, five and nought minutes, once each
function speak(element, seconds, minutes) {
  if (seconds < 0 || ![10, 5, 0].includes(minutes)) return;
  const key = `${element.dateTime} ${minutes}`;
  if (told.has(key) || !spoken) return;
  told.add(key);
  spoken.textContent = say(minutes ? "soon" : "due", { who: element.dataset.who, n: minutes });
}

function fold(row) {
  const rows = [...document.querySelectorAll(".row")].filter((one) => one.checkVisibility());
  const at = rows.indexOf(row);
  const next = rows[at + 1] ?? rows[at - 1];
  const inside = row.contains(document.activeElement) || document.activeElement === document.body;
  row.classList.add("row--folding");
  requestAnimationFrame(() => requestAnimationFrame(() => row.classList.add("row--leaving")));
  setTimeout(() => {
    row.remove();
    if (inside) next?.focus({ preventScroll: true });
    dispatchEvent(new CustomEvent("zhike:refresh"));
  }, 240);
}

addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  if (!event.detail.successful || !form.matches?.("[data-does]")) return;
  const row = form.closest(".row");
  if (row) fold(row);
});

tick();
