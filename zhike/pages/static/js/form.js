// Forms that answer: parts that depend on a choice, one more line, five minutes earlier or later.

// data-when="outcome=busy absent": shown, and sent, only while one of these is chosen
function depend() {
  for (const part of document.querySelectorAll("[data-when]")) {
    const [name, wanted] = part.dataset.when.split("=");
    const chosen = [...document.querySelectorAll(`[name="${CSS.escape(name)}"]`)].filter((input) => input.checked || input.type === "hidden");
    const shows = chosen.some((input) => wanted.split(" ").includes(input.value));
    part.hidden = !shows;
    for (const input of part.querySelectorAll("input, textarea, select")) input.disabled = !shows || Boolean(input.closest("[data-when][hidden]"));
  }
}

// data-alone: "none" excludes the other choices and they exclude it
function exclude(input) {
  if (input.type !== "checkbox" || !input.checked) return;
  for (const other of document.querySelectorAll(`[name="${CSS.escape(input.name)}"]`)) {
    if (other !== input && (input.dataset.alone !== undefined || other.dataset.alone !== undefined)) other.checked = false;
  }
}

// data-fill="minute=17:00": a quick choice fills the exact field
function fill(input) {
  if (!input.checked) return;
  for (const wish of [input.dataset.fill, input.dataset.fillDay]) {
    const [id, value] = (wish ?? "").split("=");
    const field = id && document.getElementById(id);
    if (!field) continue;
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

// The field has the last word: what it says may have been typed over the choice. Only a page without script sends choices.
addEventListener("formdata", (event) => {
  for (const tap of event.target.querySelectorAll("[data-fill]")) event.formData.delete(tap.name);
});

// What a choice has just brought out of hiding is where the hand goes next
function follow(input) {
  for (const part of document.querySelectorAll("[data-when]:not([hidden])")) {
    const [name, wanted] = part.dataset.when.split("=");
    if (name !== input.name || !input.checked || !wanted.split(" ").includes(input.value)) continue;
    const first = part.querySelector("[data-first]:not(:disabled)");
    if (first && !first.value) return first.focus();
  }
}

// data-step="-5" data-for="minute": the clock field moves by minutes and never past midnight
function step(button) {
  const field = document.getElementById(button.dataset.for);
  const match = /(\d{1,2}):(\d{2})$/.exec(field?.value ?? "");
  if (!match) return;
  const minutes = Math.min(1439, Math.max(0, Number(match[1]) * 60 + Number(match[2]) + Number(button.dataset.step)));
  const time = `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
  field.value = field.value.slice(0, match.index) + time;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

// data-add="template id": one more line, and the hand goes on writing in it
function add(button) {
  const line = document.getElementById(button.dataset.add)?.content.cloneNode(true);
  if (!line) return;
  const field = line.querySelector("input, textarea");
  button.before(line);
  field?.focus();
}

addEventListener("change", (event) => {
  if (event.target.matches?.("input")) {
    exclude(event.target);
    fill(event.target);
  }
  depend();
  if (event.isTrusted && event.target.matches?.("input")) follow(event.target);
});
addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.step) step(button);
  else if (button?.dataset.add) add(button);
});
addEventListener("htmx:afterSettle", depend);
addEventListener("submit", (event) => {
  if (event.target.matches("[data-clears]")) setTimeout(() => event.target.reset()); // written down: the field is free again
});
depend();
