// A form that was filled in and not yet saved is kept in this tab, until the server has taken it: a reload, a lost connection
// and an expired session give it back. Write-ups keep more (draft.js); passwords and files are never kept.
import { clock, now, say } from "./words.js";
import { restore, values } from "./fields.js";
import { toast } from "./page.js";

const me = document.body.dataset.me;
const form = document.querySelector("form[data-save]:not([data-draft])");
const SENT = "zhike:sent"; // the form that was on its way when this page was asked for
const keyOf = () => `zhike:form:${me}:${form.dataset.save || location.pathname}`;
const touched = new Set();

// The page that follows a form says that it was taken, unless it is the same page seen again.
function settle() {
  const sent = sessionStorage.getItem(SENT);
  if (!sent) return;
  sessionStorage.removeItem(SENT);
  const [visit] = performance.getEntriesByType("navigation");
  if (!(form && sent === keyOf() && /reload|back_forward/.test(visit?.type ?? ""))) sessionStorage.removeItem(sent);
}

function keep(event) {
  const field = event.target;
  if (field.form !== form || !event.isTrusted || /password|file|hidden/.test(field.type)) return;
  touched.add(field.name);
  const kept = values(form).filter(([name]) => touched.has(name));
  sessionStorage.setItem(keyOf(), JSON.stringify({ at: now(), names: [...touched], kept }));
}

try {
  settle();
  if (form && me) {
    const before = JSON.parse(sessionStorage.getItem(keyOf()) ?? "null");
    if (before) {
      before.names.forEach((name) => touched.add(name));
      restore(form, before.kept, before.names);
      toast(say("restored", { time: clock(before.at) }));
    }
    addEventListener("input", keep);
    addEventListener("change", keep);
    addEventListener("submit", (event) => {
      if (event.target === form && !event.defaultPrevented) sessionStorage.setItem(SENT, keyOf());
    });
    form.querySelectorAll(".save a").forEach((way) => way.addEventListener("click", () => sessionStorage.removeItem(keyOf())));
  }
} catch {
  // Without a store nothing is kept, and nothing else is wrong.
}
