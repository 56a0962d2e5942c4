/* Passkeys: a form with data-passkey runs its ceremony before it is sent. The server's options and
   our answer are JSON with bytes in base64url (WebAuthn, level 3); not every browser in use has the
   functions that convert them. */

function toBytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function toText(buffer) {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte));
  return btoa(letters.join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function withIds(list) {
  return (list ?? []).map((entry) => ({ ...entry, id: toBytes(entry.id) }));
}

async function create(options, isPasswordless) {
  const key = options.publicKey;
  const selection = { ...key.authenticatorSelection };
  selection.residentKey = isPasswordless ? "required" : "discouraged";
  selection.requireResidentKey = isPasswordless;
  if (isPasswordless) selection.userVerification = "required";
  return navigator.credentials.create({
    publicKey: {
      ...key,
      challenge: toBytes(key.challenge),
      user: { ...key.user, id: toBytes(key.user.id) },
      excludeCredentials: withIds(key.excludeCredentials),
      authenticatorSelection: selection,
    },
  });
}

async function get(options) {
  const key = options.publicKey;
  return navigator.credentials.get({
    publicKey: {
      ...key,
      challenge: toBytes(key.challenge),
      allowCredentials: withIds(key.allowCredentials),
    },
  });
}

function written(credential) {
  const response = {};
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  for (const part of parts) {
    if (credential.response[part]) response[part] = toText(credential.response[part]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  });
}

async function optionsOf(form) {
  if (form.dataset.passkeyOptions) {
    return JSON.parse(document.getElementById(form.dataset.passkeyOptions).textContent);
  }
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  return answer.json();
}

async function perform(form) {
  const options = await optionsOf(form);
  if (form.dataset.passkey !== "create") return get(options.request_options);
  const alone = form.querySelector('input[name="passwordless"]');
  return create(options.creation_options, Boolean(alone?.checked));
}

function complain(form, why) {
  const place = form.querySelector("[data-passkey-error]");
  place.textContent = place.dataset[why];
  place.hidden = false;
}

export function watchPasskeys() {
  // Before the listener that lets a form be sent once: a cancelled ceremony may be repeated.
  document.addEventListener(
    "submit",
    async (event) => {
      const form = event.target;
      if (!form.dataset.passkey) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!window.PublicKeyCredential) {
        complain(form, "unsupported");
        return;
      }
      try {
        form.elements.credential.value = written(await perform(form));
        form.submit();
      } catch {
        complain(form, "failed");
      }
    },
    { capture: true },
  );
}
