// The search boxes: arrows choose, Enter opens what is chosen (the first hit, unless told otherwise), Escape closes.
function serve(form) {
  const box = form.querySelector('[type="search"]');
  const hits = form.querySelector('[role="listbox"]');
  const all = () => [...hits.querySelectorAll('[role="option"]')];

  function choose(index) {
    const options = all();
    options.forEach((option, at) => {
      option.setAttribute("aria-selected", String(at === index));
      option.id ||= `${hits.id}-${at}`;
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

  hits.addEventListener("htmx:afterSwap", () => {
    hits.dataset.for = hits.querySelector("[data-for]")?.dataset.for ?? "";
    show(Boolean(hits.querySelector(".hit, p")) && document.activeElement === box);
    choose(all().length && hits.dataset.for ? 0 : -1); // before a letter is typed, Enter chooses nobody
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
    } else if (event.key === "Enter" && !box.value.trim()) event.preventDefault();
  });
  box.addEventListener("focus", () => all().length && show(true));
  addEventListener("load", () => document.activeElement === box && htmx.trigger(box, "focus")); // it had the focus before htmx listened
  addEventListener("pointerdown", (event) => form.contains(event.target) || show(false));
  addEventListener("focusin", (event) => form.contains(event.target) || show(false));
}

document.querySelectorAll("[data-search]").forEach(serve);
