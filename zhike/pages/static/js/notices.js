// What falls due is told on whatever page one is, at its minute and without reload: the page asks when the server said to, shows what
// came, and says so. Where the browser may, it also knocks from outside the page; two open pages knock once.
import { say } from "./words.js";
import { KNOCKS, mayKnock } from "./knock.js";

const place = document.querySelector("[data-notices]");
const main = document.getElementById("main");
const every = 30;
const RESTS = 2000; // milliseconds without a move, after which a hand rests
const STAYS = 30_000; // as long what came stays in the bar's place at least
let etag = "";
let timer = 0;
let settling = 0;
let waiting = 0;
let asking = false;
const told = new Set();

const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";
const ids = (node) => node.dataset.notice.split(" ");

function again(seconds) {
  clearTimeout(timer);
  timer = setTimeout(ask, seconds * 1000);
}

async function ask() {
  if (asking) return;
  asking = true;
  let next = every;
  try {
    const answer = await fetch(place.dataset.notices, {
      headers: { "X-Poll": "1", "If-None-Match": etag },
      cache: "no-store",
      redirect: "manual",
    });
    if (answer.status === 401 || answer.type === "opaqueredirect") return clearTimeout(timer); // signed out: the page says so itself
    next = Number(answer.headers.get("X-Next")) || every;
    if (answer.status === 200) {
      etag = answer.headers.get("ETag") ?? "";
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      take(page);
      if (news(page).length) next = Math.min(next, RESTS / 1000); // not taken: until the hand rests
    }
  } catch {
    next = every; // no connection: the next time will do, what is due waits
  } finally {
    asking = false;
  }
  again(next);
}

// Who moved a hand just now or has the cursor in the page is about to press something: nothing may move away from under that.
// Where the page itself put the cursor, nobody stands before a key is pressed.
let moved = -Infinity;
let given = document.activeElement;
for (const hand of ["pointermove", "pointerdown", "keydown"])
  document.addEventListener(
    hand,
    () => {
      moved = performance.now();
      if (hand !== "pointermove") given = null;
    },
    { passive: true, capture: true },
  );
const moving = () => performance.now() - moved < RESTS;
const busy = () => moving() || (main.contains(document.activeElement) && ![main, given].includes(document.activeElement));

// While somebody is about to press, or reads further down, nothing moves: what stood here keeps its room, and what came is shown in the
// place of the page's bar, over nothing else. Once the hand rests it takes the room it needs.
let came = new Set();
let since = 0;
function over(fresh) {
  const stood = place.querySelector(".notices-stood") ?? Object.assign(document.createElement("div"), { className: "notices-stood", inert: true });
  if (!stood.isConnected) stood.append(...place.childNodes);
  stood.querySelectorAll("[data-notice]").forEach((node) => node.removeAttribute("data-notice"));
  place.replaceChildren(stood, ...fresh.body.childNodes);
  const untold = news(place).flatMap(ids);
  if (untold.length) since = performance.now();
  came = new Set([...came, ...untold]);
  const shown = [...place.querySelectorAll("[data-notice]")].filter((node) => ids(node).some((id) => came.has(id)));
  if (!shown.length) return release();
  shown.forEach((node) => node.classList.add("notice--came"));
  if (shown.length > 1) {
    shown[0].append(Object.assign(document.createElement("span"), { className: "notice-also", textContent: `+${shown.length - 1}` }));
  }
  shown.find((node) => node.closest("details"))?.closest("details").setAttribute("open", "");
  place.classList.add("notices--over");
  clearTimeout(settling);
  settling = setTimeout(settle, RESTS);
}

function settle() {
  if (busy() || performance.now() - since < STAYS) settling = setTimeout(settle, RESTS);
  else release();
}

function release() {
  clearTimeout(settling);
  came.clear();
  place.querySelector(".notices-stood")?.remove();
  place.querySelector(".notice-also")?.remove();
  place.classList.remove("notices--over");
}

// What holds the focus stays until it is left, unless something new is to be told: a promised minute waits for a hand to rest, and
// not for the focus to leave. The focus stays where it was. What is not new waits for the hand to rest as well.
function take(fresh) {
  clearTimeout(waiting);
  const held = place.contains(document.activeElement) ? spot(document.activeElement) : "";
  if (held && (moving() || !news(fresh).length)) return void (etag = "");
  const shown = place.matches(".notices--over");
  if (!held && !shown && busy() && !news(fresh).length) return void (waiting = setTimeout(take, RESTS, fresh));
  const open = place.querySelector("details")?.open;
  if (!held && (shown || busy() || (scrollY > 0 && news(fresh).length))) over(fresh);
  else {
    release();
    place.replaceChildren(...fresh.body.childNodes);
  }
  if (open) place.querySelector("details")?.setAttribute("open", "");
  if (held) (place.querySelector(held) ?? main).focus({ preventScroll: true });
  const count = Number(place.querySelector("[data-count]")?.dataset.count ?? 0);
  document.querySelectorAll("[data-rail-count]").forEach((badge) => {
    badge.hidden = !count;
    badge.querySelector("[aria-hidden]").textContent = count > 99 ? "99+" : count;
    badge.querySelector(".sr-only").textContent = count ? say("reminders", { n: count }) : "";
  });
  const untold = news(place);
  if (!untold.length) return;
  untold.flatMap(ids).forEach((id) => told.add(id));
  const spoken = document.getElementById("spoken");
  if (spoken) spoken.textContent = untold.map((node) => node.querySelector(".notice-what").innerText).join(". ");
  untold.forEach(knock);
  post(place.dataset.seen, untold.flatMap(ids));
}

const news = (among) => [...among.querySelectorAll("[data-fresh]")].filter((node) => ids(node).some((id) => !told.has(id)));

// Where the focus stands, so that the same is found in what replaces it.
function spot(node) {
  const link = node.closest("[data-owed]")?.querySelector(".notice-what a[href^='/obligations/']")?.getAttribute("href");
  const row = link ? `[data-owed]:has(a[href="${link}"]) ` : "";
  const href = node.getAttribute("href");
  return `${row}${node.localName}${href ? `[href="${href}"]` : ""}${node.matches("[data-put-away]") ? "[data-put-away]" : ""}`;
}

function knock(node) {
  if (!mayKnock() || localStorage.getItem(KNOCKS) !== document.body.dataset.me) return;
  const note = new Notification(node.dataset.fresh, { tag: `zhike-${node.dataset.notice}`, lang: document.documentElement.lang });
  note.onclick = () => {
    focus();
    note.close();
  };
}

const post = (to, notices) =>
  fetch(to, {
    method: "POST",
    headers: { "X-CSRFToken": token(), "X-Poll": "1" },
    body: new URLSearchParams(notices.map((id) => ["notice", id])),
    redirect: "manual",
  });

if (place) {
  place.addEventListener("click", async (event) => {
    if (!event.target.closest("[data-put-away]")) return;
    const shown = place.matches(".notices--over") ? ".notice--came" : "[data-notice]"; // nothing is put away unseen
    const away = [...place.querySelectorAll(shown)].flatMap(ids);
    moved = -Infinity;
    document.getElementById("main").focus({ preventScroll: true });
    await post(place.dataset.away, away);
    etag = "";
    ask();
  });
  document.querySelector(".bar")?.addEventListener("focusin", release);
  addEventListener("online", ask);
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  addEventListener("pageshow", (event) => event.persisted && ask());
  ask();
}
