// Whoever stands here again was not let through: a form that was on its way is not yet saved, and keep.js gives it back.
import { forget } from "./device.js";

try {
  sessionStorage.removeItem("zhike:sent");
} catch {
  // no store, nothing kept
}
// Who signs out leaves nothing on the device; what a session's end interrupts stays, sealed, until its owner is back.
addEventListener("submit", (event) => event.target.matches("[data-forget]") && forget());
