import { watchTheme } from "./theme.js";
import { watchToasts } from "./toasts.js";
import { watchDialogs } from "./dialog.js";
import { watchCopying, watchPasswords, watchSecrets } from "./copy.js";
import { watchPrices } from "./price.js";
import { watchSlug } from "./slug.js";
import { watchOperations } from "./stepper.js";
import { watchForms } from "./forms.js";

watchTheme();
watchToasts();
watchDialogs();
watchCopying();
watchPasswords();
watchSecrets();
watchPrices();
watchSlug();
watchForms();
watchOperations();
