// A talk under way: the clock counts, it does not hurry. The bar fills towards the suggested length and stops there.
import { now } from "./words.js";

const clock = document.querySelector("[data-running]");
const bar = document.querySelector("[data-running-bar]");

function tick() {
  const seconds = Math.max(0, Math.floor((now() - Date.parse(clock.dataset.running)) / 1000));
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  clock.textContent = `${hours ? `${hours}:` : ""}${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  if (bar) bar.setAttribute("width", `${Math.min(100, (100 * seconds) / Number(bar.dataset.runningBar)).toFixed(1)}%`);
  setTimeout(tick, 1000 - (now() % 1000) + 5);
}

if (clock) tick();
