const KEY = "adminTheme";
const ORDER = ["auto", "light", "dark"];
const device = matchMedia("(prefers-color-scheme: dark)");

function stored() {
  try {
    const value = JSON.parse(localStorage.getItem(KEY));
    return ORDER.includes(value) ? value : "auto";
  } catch {
    return "auto";
  }
}

function apply(choice) {
  const dark = choice === "dark" || (choice === "auto" && device.matches);
  document.documentElement.classList.toggle("dark", dark);
  document.documentElement.classList.toggle("light", !dark);
}

function show(button, choice) {
  button.hidden = false;
  const label = button.dataset[`label${choice[0].toUpperCase()}${choice.slice(1)}`];
  button.setAttribute("aria-label", label);
  button.title = label;
  for (const icon of button.querySelectorAll("[data-theme-icon]")) {
    icon.hidden = icon.dataset.themeIcon !== choice;
  }
}

export function watchTheme() {
  const buttons = [...document.querySelectorAll("[data-theme-toggle]")];
  let choice = stored();
  const refresh = () => {
    apply(choice);
    buttons.forEach((button) => show(button, choice));
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      choice = ORDER[(ORDER.indexOf(choice) + 1) % ORDER.length];
      try {
        localStorage.setItem(KEY, JSON.stringify(choice));
      } catch {
        // Storage is off: the choice lasts for this page.
      }
      refresh();
    });
  }
  device.addEventListener("change", refresh);
  // In the admin, the theme is unfold's to apply.
  if (buttons.length) refresh();
}
