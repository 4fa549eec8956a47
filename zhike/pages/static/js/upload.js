// A file is dropped on its field; one that is too large is said so before a byte of it travels.

for (const zone of document.querySelectorAll("[data-drop]")) {
  const [file, photo] = ["file", "photo"].map((name) => zone.querySelector(`[name="${name}"]`));
  const error = zone.querySelector(".field-error");
  const submit = zone.closest("form").querySelector("[data-submit]");

  function weigh() {
    const chosen = file.files.length ? [...file.files] : [...(photo?.files ?? [])];
    const heavy = chosen.reduce((sum, one) => sum + one.size, 0) > Number(zone.dataset.most) * 1048576;
    error.hidden = !heavy;
    error.querySelector("span").textContent = heavy ? zone.dataset.tooLarge : "";
    file.toggleAttribute("aria-invalid", heavy);
    submit.disabled = heavy;
  }

  zone.addEventListener("change", weigh);
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("drop--over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("drop--over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("drop--over");
    if (!event.dataTransfer.files.length) return;
    file.files = event.dataTransfer.files;
    weigh();
  });
}
