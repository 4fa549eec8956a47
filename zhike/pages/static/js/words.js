// What the scripts say comes from the page in the reader's language; {n} and the like are filled in here.
const element = document.getElementById("words");

export const words = element ? element.dataset : {};

export function say(name, values = {}) {
  return (words[name] ?? "").replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

// The same spelling as span() in zhike/pages/jinja.py: at most two units.
export function span(minutes) {
  minutes = Math.abs(minutes);
  if (minutes < 90) return say("minutes", { n: minutes });
  let hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (hours < 24) {
    const text = say("hours", { n: hours });
    return hours > 2 || !rest ? text : `${text} ${say("minutes", { n: rest })}`;
  }
  const days = Math.floor(hours / 24);
  hours %= 24;
  const text = say("days", { n: days });
  return days > 6 || !hours ? text : `${text} ${say("hours", { n: hours })}`;
}

// The page may run on a training clock: the server says its now, we keep the difference.
const server = Date.parse(document.documentElement.dataset.now ?? "");
const drift = Number.isNaN(server) ? 0 : server - Date.now();

export const now = () => Date.now() + drift;

// The wall clock of the bank's zone, not of the device.
const zone = document.documentElement.dataset.zone || undefined;
const wall = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", hour12: false });

export const clock = (at = now()) => wall.format(at);
