// Rows that are ticked: how many, and all of the page at once. What is ticked goes along in the form, with script or without.
const form = document.querySelector("[data-picks]");
const all = form?.querySelector("[data-pick-all]");
const picks = () => [...form.querySelectorAll('[name="customer"]')];

function count() {
  const ticked = picks().filter((box) => box.checked).length;
  form.querySelector("[data-picked]").textContent = ticked;
  all.checked = ticked > 0 && ticked === picks().length;
  all.indeterminate = ticked > 0 && !all.checked;
}

if (all) {
  all.closest("[hidden]").hidden = false;
  form.addEventListener("change", (event) => {
    if (event.target === all) for (const box of picks()) box.checked = all.checked;
    count();
  });
  addEventListener("pageshow", count); // paging back, the browser ticks again what was
}
