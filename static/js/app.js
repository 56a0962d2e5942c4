import { watchTheme } from "./theme.js";
import { watchToasts } from "./toasts.js";
import { watchDialogs } from "./dialog.js";
import { watchCopying, watchPasswords, watchSecrets } from "./copy.js";
import { watchPrices } from "./price.js";
import { watchSlug } from "./slug.js";
import { watchForms } from "./forms.js";
import { watchPasskeys } from "./passkeys.js";

watchTheme();
watchToasts();
watchDialogs();
watchCopying();
watchPasswords();
watchSecrets();
watchPrices();
watchSlug();
watchPasskeys();
watchForms();
// Few pages show an operation, and what it takes is large.
if (document.querySelector("[data-operation]")) {
  import("./stepper.js").then(({ watchOperations }) => watchOperations());
}
