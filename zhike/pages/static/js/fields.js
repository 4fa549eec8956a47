// The values of a form, out of it and back into it.

export function values(form) {
  return [...new FormData(form)].filter(([name, value]) => name !== "csrfmiddlewaretoken" && typeof value === "string");
}

// Choices by value, repeated fields in their order, with more fields added where there were more. Only what is named in
// `names` (all fields unless told) is touched.
export function restore(form, kept, names = null) {
  const lists = new Map();
  for (const [name, value] of kept) lists.set(name, [...(lists.get(name) ?? []), value]);
  for (const input of form.elements) {
    if (names && !names.includes(input.name)) continue;
    if (input.type === "radio" || input.type === "checkbox") input.checked = (lists.get(input.name) ?? []).includes(input.value);
  }
  form.dispatchEvent(new Event("change", { bubbles: true })); // fields that depend on a choice come out of hiding
  for (const [name, list] of lists) {
    if (names && !names.includes(name)) continue;
    const fields = () => [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)].filter((f) => !/radio|checkbox|hidden/.test(f.type));
    const adder = form.querySelector(`[data-add][data-name="${CSS.escape(name)}"]`);
    while (adder && fields().length < list.length) adder.click();
    fields().forEach((field, at) => at < list.length && (field.value = list[at]));
  }
  form.dispatchEvent(new CustomEvent("zhike:restored", { bubbles: true }));
}
