// The search box: arrows choose, Enter opens what is chosen (the first hit, unless told otherwise), Escape closes.
const box = document.getElementById("q");
const hits = document.getElementById("hits");

function all() {
  return [...hits.querySelectorAll('[role="option"]')];
}

function choose(index) {
  const options = all();
  options.forEach((option, at) => {
    option.setAttribute("aria-selected", String(at === index));
    option.id ||= `hit-${at}`;
  });
  if (options[index]) {
    box.setAttribute("aria-activedescendant", options[index].id);
    options[index].scrollIntoView({ block: "nearest" });
  } else box.removeAttribute("aria-activedescendant");
}

function show(open) {
  hits.hidden = !open;
  box.setAttribute("aria-expanded", String(open));
  if (!open) box.removeAttribute("aria-activedescendant");
}

if (box && hits) {
  hits.addEventListener("htmx:afterSwap", () => {
    hits.dataset.for = hits.querySelector("[data-for]")?.dataset.for ?? "";
    show(hits.childElementCount > 0 && document.activeElement === box);
    choose(all().length ? 0 : -1);
  });
  box.addEventListener("keydown", (event) => {
    const options = all();
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "Escape" && !hits.hidden) {
      event.preventDefault();
      show(false);
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length) {
      event.preventDefault();
      show(true);
      choose((at + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length);
    } else if (event.key === "Enter" && !event.isComposing && !hits.hidden && at >= 0 && hits.dataset.for === box.value.trim()) {
      event.preventDefault(); // only hits for exactly these words: a slow answer must not open somebody else
      options[at].click();
    }
  });
  box.addEventListener("focus", () => all().length && show(true));
  addEventListener("pointerdown", (event) => event.target.closest("[data-search]") || show(false));
  addEventListener("focusin", (event) => event.target.closest("[data-search]") || show(false));
}
