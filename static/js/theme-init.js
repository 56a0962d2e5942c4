// Runs before the first paint, so that a dark page never flashes light. The key and its JSON value
// are the admin theme's own: one choice serves both.
(() => {
  let choice = "auto";
  try {
    choice = JSON.parse(localStorage.getItem("adminTheme")) || "auto";
  } catch {
    choice = "auto";
  }
  const dark =
    choice === "dark" ||
    (choice === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.add(dark ? "dark" : "light");
})();
