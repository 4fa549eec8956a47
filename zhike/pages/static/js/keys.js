// The keyboard. Single characters act only outside of fields and can be switched off (WCAG 2.1.4);
// Ctrl+Enter and Escape always work.
const field = "input:not([type=radio],[type=checkbox]), textarea, select, [contenteditable]";
const single = () => document.body.dataset.keys !== "off";
const row = () => document.activeElement?.closest(".row") ?? null;
let going = 0; // when "G" was pressed

// Rows and the lines that rows are folded into; what is folded away is passed over.
function walk(step) {
  const rows = [...document.querySelectorAll(".row, .line-fold-head")].filter((one) => one.checkVisibility());
  if (!rows.length) return false;
  const at = rows.indexOf(document.activeElement?.closest(".row, .line-fold-head"));
  const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1);
  rows[next].focus();
  rows[next].scrollIntoView({ block: "nearest" });
  return true;
}

function press(element) {
  element?.click();
  return Boolean(element);
}

function sheet() {
  const keys = document.getElementById("keys");
  if (!keys || keys.open) return false;
  keys.showModal();
  return true;
}

function choose(digit) {
  const list = document.querySelector("[data-digits]");
  const choice = list?.querySelectorAll("input[type=radio]:not(:disabled)")[digit - 1];
  if (!choice) return false;
  choice.focus();
  choice.click(); // last, so that what it brings out of hiding may take the focus
  return true;
}

function save() {
  const form = document.activeElement?.closest("form[data-save]") ?? document.querySelector("form[data-save]");
  const button = form?.querySelector("[data-submit]") ?? document.querySelector(`[data-submit][form="${form?.id}"]`);
  if (!form) return false;
  form.requestSubmit(button?.disabled ? undefined : (button ?? undefined));
  return true;
}

function letGo() {
  const open = row()?.querySelector("details[data-why][open]");
  if (open) open.open = false;
  else document.activeElement?.blur();
}

function letter(key) {
  if (going && Date.now() - going < 1500) {
    going = 0;
    return press(document.querySelector(`[data-go="${key.toLowerCase()}"]`));
  }
  switch (key) {
    case "/":
      document.getElementById("q")?.focus();
      return true;
    case "j":
      return walk(1);
    case "k":
      return walk(-1);
    case "e":
      return press(row()?.querySelector(".why > summary, .clause"));
    case "p": {
      const line = document.getElementById("promise-line");
      line?.focus();
      return Boolean(line);
    }
    case "g":
      going = Date.now();
      return true;
    case "?":
      return sheet();
    default:
      return /^[1-6]$/.test(key) && choose(Number(key));
  }
}

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    if (save()) event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    if (!document.querySelector("dialog[open]")) letGo();
    return;
  }
  if (event.target.matches?.(field) || document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && document.activeElement?.matches(".row")) {
    if (press(document.activeElement.querySelector(".row-do .button, .row-do a"))) event.preventDefault();
    return;
  }
  if (single() && event.key.length === 1 && letter(event.key.length === 1 && event.key !== "?" ? event.key.toLowerCase() : event.key))
    event.preventDefault();
});
