// Nothing typed is lost. Each change is kept on the device at once and sent to the server after a short pause; what the
// server has confirmed is taken off the device again. After a reload, a lost connection or an expired session it returns.
import { clock, now, say, words } from "./words.js";
import { restore, values } from "./fields.js";
import { signIn } from "./page.js";

// Looked up anew each time: a refused write-up comes back as a new form in the old one's place.
let form = document.querySelector("form[data-draft]");
const key = form && `zhike:draft:${form.dataset.draft}`;
let timer = 0;
let version = 0;
let done = false;

function tell(name, look, time) {
  const shown = document.querySelector("[data-draft-state]");
  if (!shown) return;
  shown.className = `state state--${look}`;
  (shown.querySelector("span") ?? shown).textContent = say(name, { time });
}

function keep() {
  try {
    localStorage.setItem(key, JSON.stringify({ at: now(), values: values(form) }));
  } catch {
    // A full or closed store leaves the server's copy.
  }
}

function drop() {
  localStorage.removeItem(key);
}

async function send() {
  const mine = ++version;
  tell("saving", "on");
  try {
    const answer = await fetch(form.dataset.draftUrl, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "X-CSRFToken": document.querySelector('meta[name="csrf-token"]')?.content ?? "",
        "HX-Request": "true",
      },
      body: JSON.stringify({ values: values(form) }),
      redirect: "manual",
      keepalive: true,
    });
    if (answer.status === 401 || answer.type === "opaqueredirect" || answer.headers.get("HX-Redirect")) {
      tell("kept", "soon", clock());
      return signIn();
    }
    if (!answer.ok) throw new Error(String(answer.status));
    if (mine !== version || done) return;
    drop();
    tell("saved", "on", clock());
  } catch {
    tell("kept", "soon", clock());
    clearTimeout(timer);
    timer = setTimeout(send, 20000);
  }
}

function changed(event) {
  const of = event.target.form ?? event.target.closest?.("form");
  if (!of?.matches("[data-draft]")) return;
  form = of;
  keep();
  clearTimeout(timer);
  timer = setTimeout(send, 700);
}

if (form) {
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? "null");
    if (kept && kept.at > Number(form.dataset.draftAt || 0) * 1000) {
      restore(form, kept.values);
      tell("restored", "on", clock(kept.at));
      send();
    } else if (kept) drop();
  } catch {
    drop();
  }
  addEventListener("input", changed);
  addEventListener("change", changed);
  addEventListener("online", () => localStorage.getItem(key) && send());
  addEventListener("pagehide", () => localStorage.getItem(key) && !done && send());
  addEventListener("htmx:sendError", () => tell("kept", "soon", clock()));
  addEventListener("htmx:beforeOnLoad", (event) => {
    const on = event.detail.xhr.getResponseHeader("HX-Redirect");
    if (!on || on.startsWith(words.signinHref)) return; // signed out: what is typed stays kept
    done = true; // closed at the server: nothing left to keep
    clearTimeout(timer);
    drop();
  });
}

// What is kept is customers' data: it does not lie about on the device for longer than a week.
for (const name of Object.keys(localStorage)) {
  if (!name.startsWith("zhike:draft:")) continue;
  try {
    if (now() - JSON.parse(localStorage.getItem(name)).at > 7 * 86400000) localStorage.removeItem(name);
  } catch {
    localStorage.removeItem(name);
  }
}
