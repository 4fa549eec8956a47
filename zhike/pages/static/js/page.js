// What every page needs: the token for htmx, toasts that leave, dialogs that open, a plain word when a request fails.
import { forget } from "./device.js";
import { say, words } from "./words.js";

const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
const toasts = document.getElementById("toasts");
if (document.body.dataset.me) forget(document.body.dataset.me); // what another person left on this device is not theirs to find

addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = token;
});

export function toast(text, link) {
  const box = document.createElement("div");
  box.className = "toast";
  box.dataset.toast = "";
  box.append(Object.assign(document.createElement("span"), { textContent: text }));
  if (link) box.append(Object.assign(document.createElement("a"), { className: "toast-act", ...link }));
  toasts?.append(box);
}

// A toast leaves after eight seconds, but never while it is pointed at or holds the focus, and never more than three stand.
function leave(box) {
  setTimeout(() => {
    if (box.matches(":hover, :focus-within")) leave(box);
    else box.remove();
  }, 8000);
}
if (toasts) {
  toasts.querySelectorAll("[data-toast]").forEach(leave);
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node.nodeType === 1) leave(node);
    while (toasts.children.length > 3) toasts.firstElementChild.remove();
  }).observe(toasts, { childList: true });
}

export function signIn() {
  const here = encodeURIComponent(location.pathname + location.search);
  toast(say("expired"), { textContent: say("signin"), href: `${words.signinHref}?next=${here}` });
}

addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) signIn();
  else if (event.detail.xhr.status === 503) toast(say("away"));
  else if (event.detail.xhr.status >= 500) toast(say("failed"));
});
addEventListener("htmx:sendError", (event) => {
  toast(say(event.target.closest("[data-draft]") ? "unsent" : "failed"));
});

addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) {
    event.preventDefault();
    document.querySelector(opener.dataset.open)?.showModal();
  } else if (event.target.closest("[data-print]")) {
    event.preventDefault();
    print();
  } else if (event.target.matches("dialog.sheet")) {
    event.target.close(); // the veil itself was clicked
  }
});

// A form that is on its way is not sent again by an impatient second click. Back in the page it is free again.
addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return; // htmx sends by itself
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 10000);
});
// A browser brings a text's caret into view and leaves the rest of its field under what stays in place.
addEventListener("focusin", (event) => event.target.matches("textarea") && event.target.scrollIntoView({ block: "nearest" }));
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// Copies a text that is to be sent elsewhere. Without the clipboard (plain http) the text is marked and copied the old way.
async function copy(button) {
  const text = document.querySelector(button.dataset.copy);
  getSelection().selectAllChildren(text);
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text.textContent);
    else if (!document.execCommand("copy")) return; // marked: Ctrl+C does the rest
  } catch {
    return;
  }
  button.querySelector("span").textContent = say("copied");
}
addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

// A row's reason is fetched when it is first opened.
addEventListener(
  "toggle",
  (event) => {
    const why = event.target;
    if (why.matches?.("details[data-why]") && why.open) {
      const proof = why.querySelector("[hx-trigger]");
      if (proof) htmx.trigger(proof, "why");
    }
  },
  true,
);

// A form that came back refused opens where the fault stands: at the top of the page nothing seems to have happened.
function atFault() {
  const [visit] = performance.getEntriesByType("navigation");
  const seen = (element) => element.getClientRects().length > 0;
  const first = (selector) => [...document.querySelectorAll(selector)].find(seen);
  const fault = first(".main .field-error") ?? (visit?.responseStatus === 422 ? first(".main [role='alert']") : null);
  if (!fault) return;
  fault.id ||= "fault";
  const before = (field) => field.compareDocumentPosition(fault) & Node.DOCUMENT_POSITION_FOLLOWING;
  const near = fault.matches(".field-error") ? fault.closest(".field, .learned, .form-part, form") : null;
  const fields = [...(near?.querySelectorAll("input, select, textarea") ?? [])].filter((field) => seen(field) && !field.disabled && before(field));
  const field = document.querySelector(`[aria-describedby~="${CSS.escape(fault.id)}"]`) ?? fields.find((one) => !one.value) ?? fields[0];
  if (field) {
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", fault.id);
  } else fault.tabIndex = -1;
  (field ?? fault).focus({ preventScroll: true });
  fault.scrollIntoView({ block: "center" });
}
addEventListener("DOMContentLoaded", atFault);
