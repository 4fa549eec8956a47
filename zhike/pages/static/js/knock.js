// The browser's own notification (knocking): allowed for one person on one device, by a button, and turned off there again.
export const KNOCKS = "zhike:knocks";

export const mayKnock = () => "Notification" in window && isSecureContext && Notification.permission === "granted";

const button = document.querySelector("[data-knock]");

function paint() {
  const on = mayKnock() && localStorage.getItem(KNOCKS) === document.body.dataset.me;
  const denied = "Notification" in window && Notification.permission === "denied";
  button.closest("[data-knocks]").dataset.knocks = !("Notification" in window && isSecureContext) ? "never" : denied ? "denied" : on ? "on" : "off";
  button.setAttribute("aria-pressed", String(on));
}

if (button) {
  button.addEventListener("click", async () => {
    if (localStorage.getItem(KNOCKS) === document.body.dataset.me && mayKnock()) localStorage.removeItem(KNOCKS);
    else if ((await Notification.requestPermission()) === "granted") localStorage.setItem(KNOCKS, document.body.dataset.me);
    paint();
  });
  paint();
}
