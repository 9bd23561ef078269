/** Updates the studio's preview and code while the form changes, without pressing its button. */
(() => {
  const form = document.getElementById("wanted");
  const status = document.querySelector("[role=status]");
  const preview = document.querySelector("cabinet-widget");
  const COMMON = ["account", "widget", "theme", "background", "accent", "lang", "tz", "as"]; // what remains when another widget is chosen
  let request;
  let timer;

  function prepare() {
    for (const hidden of document.querySelectorAll("[type=color], [data-copied]")) hidden.hidden = false;
    const zones = document.getElementById("zones");
    zones.replaceChildren(...Intl.supportedValuesOf("timeZone").map((zone) => new Option(zone)));
    chooseDays();
  }

  // Two dates replace the period.
  function chooseDays() {
    const { period, from, to } = form.elements;
    if (period) period.disabled = Boolean(from.value || to.value);
  }

  // The address of the studio with the fields that are filled in.
  function address(isOther) {
    const filled = [...new FormData(form)].filter(([name, value]) => value && (!isOther || COMMON.includes(name)));
    return `?${new URLSearchParams(filled)}`;
  }

  // Marks a control as valid or not; the reason is in the language `lang`.
  function mark(control, reason, lang) {
    const slot = document.getElementById(`why-${control.name}`);
    if (!slot) return;
    slot.textContent = reason;
    slot.lang = lang;
    slot.dir = reason ? "auto" : "";
    if (reason) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }

  // Marks what the browser itself knows to be invalid. Returns whether everything is valid.
  function check(changed) {
    const invalid = [];
    for (const control of form.elements) {
      const reason = control.validationMessage || "";
      if (reason || control === changed) mark(control, reason, "");
      if (reason) invalid.push(`${control.labels[0].textContent}: ${reason}`);
    }
    const snippets = document.getElementById("snippets");
    if (snippets) snippets.hidden = invalid.length > 0;
    const alert = document.querySelector("[role=alert]");
    alert.lang = alert.dir = "";
    if (invalid.length) alert.textContent = invalid.join(" ");
    return !invalid.length;
  }

  async function load(url) {
    request = new AbortController();
    const response = await fetch(url, { signal: request.signal });
    return new DOMParser().parseFromString(await response.text(), "text/html");
  }

  function replace(id, page) {
    document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
  }

  async function show(isOther) {
    const url = address(isOther);
    const page = await load(url);
    history.replaceState(null, "", url);
    replace("code", page);
    if (isOther) replace("options", page);
    for (const slot of page.querySelectorAll("form .problem")) {
      mark(form.elements[slot.id.slice(4)], slot.textContent, slot.lang);
    }
    // An invalid value never reaches the preview, which stays as it is.
    if (!page.querySelector("[aria-invalid]")) showWidget(page.querySelector("cabinet-widget"));
    prepare();
  }

  function showWidget({ attributes }) {
    for (const { name } of [...preview.attributes]) if (name !== "style" && !attributes[name]) preview.removeAttribute(name);
    for (const { name, value } of attributes) if (preview.getAttribute(name) !== value) preview.setAttribute(name, value);
  }

  // Another account may not have the widget that was chosen before.
  async function showAccount() {
    replace("widgets", await load(address(true)));
    await show(true);
    showChosen();
  }

  // On a phone, the thumbnails are a strip that can be scrolled.
  function showChosen() {
    const strip = document.getElementById("widgets");
    const chosen = strip.querySelector(":checked").parentElement;
    const middle = (element) => element.getBoundingClientRect().x + element.offsetWidth / 2;
    strip.scrollLeft += middle(chosen) - middle(strip);
  }

  function update(target) {
    if (target.name === "account") return showAccount();
    return show(target.name === "widget");
  }

  document.addEventListener("input", ({ target }) => {
    if (target.form !== form) return;
    const [accent, colour] = form.querySelectorAll(".accent input");
    if (target === colour) accent.value = colour.value.slice(1);
    if (target === accent && /^[\da-f]{6}$/i.test(accent.value)) colour.value = `#${accent.value}`;
    chooseDays();
    clearTimeout(timer);
    request?.abort();
    if (target.name === "as") history.replaceState(null, "", address(false)); // all kinds of code are there already
    else if (check(target)) timer = setTimeout(() => update(target).catch(() => {}), 250);
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (check()) show(false).catch(() => {});
  });

  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-copied]");
    if (!button) return;
    const code = button.parentElement.querySelector("pre");
    getSelection().selectAllChildren(code);
    try {
      await navigator.clipboard.writeText(code.textContent);
      status.textContent = "";
      status.textContent = button.dataset.copied;
      button.firstChild.data = button.dataset.copied;
    } catch {
      // The code is selected, so the visitor can copy it.
    }
  });

  // The loader watches the root element and then adapts to the new colours.
  document.addEventListener("change", ({ target }) => {
    if (target.name === "scheme") document.documentElement.dataset.scheme = target.value;
  });

  form.noValidate = true; // this script reports problems, at the controls
  document.documentElement.classList.add("live");
  prepare();
  showChosen();
})();
