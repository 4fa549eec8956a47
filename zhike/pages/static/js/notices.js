// What falls due is told on whatever page one is, at its minute and without reload: the page asks when the server said to, shows what
// came, and says so. Where the browser may, it also knocks from outside the page; two open pages knock once.
import { say } from "./words.js";
import { KNOCKS, mayKnock } from "./knock.js";

const place = document.querySelector("[data-notices]");
const main = document.getElementById("main");
const every = 30;
const RESTS = 2000; // milliseconds without a move, after which a hand rests
const STAYS = 30_000; // as long the banner stays over a page that it did not push
let etag = "";
let timer = 0;
let over = 0;
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
let moved = -Infinity;
for (const hand of ["pointermove", "pointerdown", "keydown"])
  document.addEventListener(hand, () => (moved = performance.now()), { passive: true, capture: true });
const moving = () => performance.now() - moved < RESTS;
const busy = () => moving() || (main.contains(document.activeElement) && document.activeElement !== main);

// At the top the page is scrolled as far as the banner grew; further down browsers hold it themselves. Then the banner stays in
// sight over the page for a while, and what it covers is reached by scrolling up.
function holding(change) {
  const next = place.nextElementSibling;
  if (!next || !(busy() || scrollY > 0)) return change();
  const [height, top, far] = [place.offsetHeight, next.getBoundingClientRect().top, scrollY > 0];
  change();
  if (place.offsetHeight <= height) return;
  if (!far) {
    const grew = next.getBoundingClientRect().top - top;
    main.classList.toggle("main--room", grew > document.documentElement.scrollHeight - innerHeight);
    scrollBy({ top: grew, behavior: "instant" });
  }
  place.classList.add("notices--over");
  clearTimeout(over);
  over = setTimeout(() => place.classList.remove("notices--over"), STAYS);
}

// What holds the focus stays until it is left, unless something new is to be told: a promised minute waits for a hand to rest, and
// not for the focus to leave. The focus stays where it was.
function take(fresh) {
  const held = place.contains(document.activeElement) ? spot(document.activeElement) : "";
  if (held && (moving() || !news(fresh).length)) return void (etag = "");
  const open = place.querySelector("details")?.open;
  holding(() => {
    place.replaceChildren(...fresh.body.childNodes);
    if (open) place.querySelector("details")?.setAttribute("open", "");
  });
  if (held) (place.querySelector(held) ?? main).focus({ preventScroll: true });
  const count = Number(place.querySelector("[data-count]")?.dataset.count ?? 0);
  document.querySelectorAll("[data-rail-count]").forEach((badge) => {
    badge.hidden = !count;
    badge.querySelector("[aria-hidden]").textContent = count > 99 ? "99+" : count;
    badge.querySelector(".sr-only").textContent = count ? say("reminders", { n: count }) : "";
  });
  const came = news(place);
  if (!came.length) return;
  came.flatMap(ids).forEach((id) => told.add(id));
  const spoken = document.getElementById("spoken");
  if (spoken) spoken.textContent = came.map((node) => node.querySelector(".notice-what").innerText).join(". ");
  came.forEach(knock);
  post(place.dataset.seen, came.flatMap(ids));
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
    const away = [...place.querySelectorAll("[data-notice]")].flatMap(ids);
    document.getElementById("main").focus({ preventScroll: true });
    await post(place.dataset.away, away);
    etag = "";
    ask();
  });
  addEventListener("online", ask);
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  addEventListener("pageshow", (event) => event.persisted && ask());
  ask();
}
