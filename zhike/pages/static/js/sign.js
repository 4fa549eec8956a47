// A signature, drawn by finger, pen or mouse. It leaves as a PNG of black on white; an empty frame leaves as nothing.

for (const form of document.querySelectorAll("[data-sign]")) {
  const canvas = form.querySelector("canvas");
  const pen = canvas.getContext("2d");
  let drawn = false;

  // As wide as it is shown, and sharp on a dense screen. What was drawn before does not fit another width: it goes.
  function wipe() {
    const { width, height } = canvas.getBoundingClientRect();
    const dense = devicePixelRatio || 1;
    canvas.width = Math.round(width * dense);
    canvas.height = Math.round(height * dense);
    pen.fillStyle = "white";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.scale(dense, dense);
    Object.assign(pen, { lineWidth: 2.5, lineCap: "round", lineJoin: "round", strokeStyle: "black" });
    drawn = false;
  }

  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(event.offsetX, event.offsetY);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    pen.lineTo(event.offsetX, event.offsetY);
    pen.stroke();
    drawn = true;
  });
  form.querySelector("[data-wipe]").addEventListener("click", wipe);
  form.addEventListener("formdata", (event) => {
    if (event.formData.has("drawn")) event.formData.set("drawn", drawn ? canvas.toDataURL("image/png") : "");
  });
  new ResizeObserver(() => {
    const dense = devicePixelRatio || 1;
    const { width } = canvas.getBoundingClientRect();
    if (width && Math.round(width * dense) !== canvas.width) wipe();
  }).observe(canvas);
}
