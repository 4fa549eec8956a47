// Nothing typed is lost. Each change is kept on the device at once, sealed, and sent to the server after a short pause; what the
// server has confirmed is taken off the device again. After a reload, a lost connection or an expired session it returns.
import { Drawer } from "./device.js";
import { clock, say, words } from "./words.js";
import { restore, values } from "./fields.js";
import { signIn, toast } from "./page.js";

// Looked up anew each time: a refused write-up comes back as a new form in the old one's place.
let form = document.querySelector("form[data-draft]");
const drawer = form && new Drawer(document.body.dataset.me, form.dataset.draft, form.dataset.draftKeys);
let timer = 0;
let version = 0;
let done = false;

function tell(name, look, time) {
  const shown = document.querySelector("[data-draft-state]");
  if (!shown) return;
  shown.className = `state state--${look}`;
  const use = shown.querySelector("use");
  use?.setAttribute("href", use.getAttribute("href").replace(/#[\w-]+$/, look === "on" ? "#i-check" : "#i-alert"));
  (shown.querySelector("span") ?? shown).textContent = say(name, { time });
}

function tellKept() {
  tell(drawer.lasts ? "kept" : "unkept", drawer.lasts ? "soon" : "late", clock());
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
      tellKept();
      return drawer.lasts ? signIn() : toast(say("expiredUnkept"));
    }
    if (!answer.ok) throw new Error(String(answer.status));
    if (mine !== version || done) return;
    drawer.drop();
    tell("saved", "on", clock());
  } catch {
    tellKept();
    clearTimeout(timer);
    timer = setTimeout(send, 20000);
  }
}

function changed(event) {
  const of = event.target.form ?? event.target.closest?.("form");
  if (!of?.matches("[data-draft]")) return;
  form = of;
  version += 1; // what is on its way to the server is not all of it any more
  drawer.keep(values(form));
  clearTimeout(timer);
  timer = setTimeout(send, 700);
}

async function giveBack() {
  const kept = await drawer.open();
  if (kept && kept.at > Number(form.dataset.draftAt || 0) * 1000) {
    restore(form, kept.values);
    tell("restored", "on", clock(kept.at));
    send();
  } else if (kept) drawer.drop();
}

if (form) {
  addEventListener("input", changed);
  addEventListener("change", changed);
  addEventListener("online", () => drawer.holds && send());
  addEventListener("pagehide", () => drawer.holds && !done && send());
  addEventListener("htmx:sendError", tellKept);
  addEventListener("htmx:beforeOnLoad", (event) => {
    const on = event.detail.xhr.getResponseHeader("HX-Redirect");
    if (!on || on.startsWith(words.signinHref)) return; // signed out: what is typed stays kept
    done = true; // closed at the server: nothing left to keep
    clearTimeout(timer);
    drawer.drop();
  });
  giveBack();
}
