// Whoever stands here again was not let through: a form that was on its way is not yet saved, and keep.js gives it back.
try {
  sessionStorage.removeItem("zhike:sent");
} catch {
  // no store, nothing kept
}
