// A date field is drawn in the browser's own language, whatever the page's (Chromium passes over its lang attribute): 03/04 may be
// March or April. The day that is chosen stands beside it in words, with its weekday, as the page writes it.
import { now } from "./words.js";

const tongue = document.documentElement.lang;
const english = tongue.startsWith("en");
const format = (options) => new Intl.DateTimeFormat(english ? "en-GB" : tongue, { timeZone: "UTC", ...options });
const near = format({ day: "numeric", month: english ? "short" : "long" });
const far = format({ day: "numeric", month: english ? "short" : "long", year: "numeric" });
const weekday = format({ weekday: "short" });

function inWords(value) {
  const day = new Date(`${value}T00:00Z`);
  if (!/^\d{4}-/.test(value) || Number.isNaN(day.getTime())) return "";
  const date = (day.getUTCFullYear() === new Date(now()).getFullYear() ? near : far).format(day);
  return english ? `${weekday.format(day)} ${date}` : `${date} ${weekday.format(day)}`;
}

function write() {
  for (const field of document.querySelectorAll("input[type=date]")) {
    const place = field.closest(".pair") ?? field.parentElement;
    let words = place.querySelector(".day-words");
    if (!words) {
      words = Object.assign(document.createElement("output"), { className: "day-words" });
      field.after(words);
    }
    const said = inWords(field.value);
    if (words.textContent !== said) words.textContent = said;
  }
}

for (const moment of ["input", "change", "htmx:afterSettle", "zhike:restored"]) addEventListener(moment, write);
write();
