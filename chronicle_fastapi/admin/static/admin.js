// The admin page works without this file. With it, what changes shows by itself, and what cannot be undone
// asks first. No library, no inline handlers: the page's content security policy allows neither.

const REFRESH_EVERY = 2000;
const LONGEST_PAUSE = 30000;

// Signing in by the link that was printed: its token is in the fragment, which is never sent to a server. It
// leaves the address bar, and so the history, before anything else happens.
function signInByLink() {
  const form = document.querySelector("form[data-sign-in]");
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!form || !token) return;
  history.replaceState(null, "", location.pathname + location.search);
  form.elements.token.value = token;
  form.requestSubmit();
}

// A form that is sent as soon as something else is chosen.
function submitWhenChosen() {
  for (const form of document.querySelectorAll("form[data-submit-on-change]")) {
    form.addEventListener("change", () => form.requestSubmit());
    for (const button of form.querySelectorAll("button[type=submit]")) button.hidden = true;
  }
}

// A form without what was left empty: the address says what is filtered by, and nothing else.
function leaveOutWhatIsEmpty() {
  document.addEventListener("formdata", (event) => {
    if (event.target.method !== "get") return;
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });
}

// Buttons that say what they would do, and do it when told again.
function askFirst() {
  const dialog = document.getElementById("confirm");
  if (!dialog) return;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-confirm]");
    if (!button || !button.form.reportValidity()) return;
    event.preventDefault();
    dialog.querySelector("h2").textContent = button.textContent.trim() + "?";
    dialog.querySelector("p").textContent = button.dataset.confirm;
    const yes = dialog.querySelector("button[value=yes]");
    yes.textContent = button.textContent.trim();
    dialog.returnValue = "";
    dialog.onclose = () => {
      button.focus();
      if (dialog.returnValue === "yes") button.form.requestSubmit(button);
    };
    dialog.showModal();
  });
}

// "/" goes to the first filter, as in many such pages.
function goToFilter() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
    const field = document.querySelector("[data-first-filter]");
    if (!field) return;
    event.preventDefault();
    field.focus();
  });
}

// On a phone the menu is a strip that scrolls: where one is should be in sight.
function showWhereOneIs() {
  const here = document.querySelector(".nav [aria-current]");
  const nav = here?.closest(".nav");
  if (nav) nav.scrollLeft = here.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2;
}

// Regions that are live take over what the server renders anew, child by child: what did not change stays,
// and with it the focus, an open fold and the place one has scrolled to.
function takeOver(region, fresh) {
  const known = new Map();
  for (const child of region.children) if (child.dataset.key) known.set(child.dataset.key, child);
  const children = [...fresh.children].map((child) => {
    const current = known.get(child.dataset.key);
    if (!current) {
      if (known.size) child.classList.add("is-new");
      return child;
    }
    current.classList.remove("is-new");
    if (current.isEqualNode(child) || isInUse(current)) return current;
    return child;
  });
  if (known.size === 0 && (isInUse(region) || region.isEqualNode(fresh))) return;
  for (const child of [...region.children]) if (!children.includes(child)) child.remove();
  // What is in its place is not moved: a node that is taken out loses the focus, even if it comes back.
  children.forEach((child, index) => {
    if (region.children[index] !== child) region.insertBefore(child, region.children[index] ?? null);
  });
}

function isInUse(element) {
  return element.contains(document.activeElement) || element.querySelector("details[open]") !== null;
}

async function refresh() {
  const response = await fetch(location.href, { headers: { accept: "text/html" } });
  if (response.status === 401) throw new SignedOut();
  if (!response.ok) throw new Error(`status ${response.status}`);
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const regions = [...document.querySelectorAll("[data-live]")];
  if (idsOfRegions(fresh) !== idsOfRegions(document)) {
    // A list became empty, or was: the page has another shape, and is loaded anew unless somebody is at work.
    if (!document.querySelector("main input:not(#live):focus, dialog[open]")) location.reload();
    return;
  }
  for (const region of regions) takeOver(region, document.adoptNode(fresh.getElementById(region.id)));
}

function idsOfRegions(page) {
  return [...page.querySelectorAll("[data-live]")].map((region) => region.id).join(" ");
}

class SignedOut extends Error {}

function keepLive() {
  const toggle = document.getElementById("live");
  const trouble = document.getElementById("trouble");
  if (!toggle || !trouble) return;
  let failures = 0;

  async function tick() {
    if (toggle.checked && !document.hidden) {
      try {
        await refresh();
        failures = 0;
        trouble.hidden = true;
      } catch (error) {
        failures += 1;
        const isOut = error instanceof SignedOut;
        trouble.textContent = isOut
          ? "You are signed out. Reload the page to sign in again."
          : "The server does not answer; what is shown may be old. Trying again.";
        trouble.hidden = false;
        if (isOut) return;
      }
    }
    setTimeout(tick, Math.min(REFRESH_EVERY * 2 ** failures, LONGEST_PAUSE));
  }

  setTimeout(tick, REFRESH_EVERY);
}

signInByLink();
// The link opened where the page is open already: only the fragment changes, and nothing is loaded.
addEventListener("hashchange", signInByLink);
submitWhenChosen();
leaveOutWhatIsEmpty();
askFirst();
goToFilter();
showWhereOneIs();
keepLive();
