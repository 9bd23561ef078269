/** Updates the studio's preview and code while the form changes, without pressing its button. */
(() => {
  const form = document.getElementById("wanted");
  const status = document.querySelector("[role=status]");
  const preview = document.querySelector("cabinet-widget");
  const COMMON = ["account", "widget", "theme", "accent", "lang", "tz"]; // options that remain when another widget is chosen
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

  async function show(isOther) {
    request?.abort();
    request = new AbortController();
    const wanted = [...new FormData(form)].filter(([name, value]) => value && (!isOther || COMMON.includes(name)));
    const url = `?${new URLSearchParams(wanted)}`;
    const response = await fetch(url, { signal: request.signal });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    history.replaceState(null, "", url);
    const chosen = page.getElementById("widget").value;
    const ids = isOther ? ["widget", "options", "code"] : ["code"];
    for (const id of ids) document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
    form.elements.widget.value = chosen;
    const { attributes } = page.querySelector("cabinet-widget");
    for (const { name } of [...preview.attributes]) if (name !== "style" && !attributes[name]) preview.removeAttribute(name);
    for (const { name, value } of attributes) if (preview.getAttribute(name) !== value) preview.setAttribute(name, value);
    prepare();
  }

  form.addEventListener("input", ({ target }) => {
    const [accent, colour] = form.querySelectorAll(".accent input");
    if (target === colour) accent.value = colour.value.slice(1);
    if (target === accent && /^[\da-f]{6}$/i.test(accent.value)) colour.value = `#${accent.value}`;
    chooseDays();
    clearTimeout(timer);
    if (form.checkValidity()) timer = setTimeout(() => show(["account", "widget"].includes(target.name)).catch(() => {}), 250);
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(false).catch(() => {});
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

  // On a phone, show the whole widget at first.
  const stage = document.querySelector(".stage");
  if (stage.clientWidth < 480) document.querySelector("[name=width][value=full]").checked = true;
  document.documentElement.classList.add("live");
  prepare();
})();
