/**
 * The loader of Cabinet Widgets: puts the widgets of a trading account on a page.
 *
 *     <script async src="https://widgets.example.com/embed.js"></script>
 *     <cabinet-widget account="main" widget="balance"></cabinet-widget>
 *
 * or, as one tag, <script async src="…/embed.js" data-account="main" data-widget="balance"></script>.
 */
(() => {
  // Per widget: height, height of a row, height of the heading, default number of rows.
  const HEIGHTS = "the heights"; // the service replaces this when it serves the file
  const NAMES = "account widget token height label theme background accent lang tz title refresh rows page period from to group".split(" ");
  const script = document.currentScript;
  const service = script.src.split(/\/static\/|\/embed\./)[0];
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(":host{display:grid}*{grid-area:1/1;border:0;width:100%;height:100%}");

  if (!customElements.get("cabinet-widget")) {
    customElements.define("cabinet-widget", class extends HTMLElement {
      constructor() {
        super();
        this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
        this.observer = new MutationObserver(() => this.update());
      }

      async connectedCallback() {
        addEventListener("message", this);
        // Attributes that change together update the widget once. Watch the root element too: the page may turn dark.
        this.observer.observe(this, { attributeFilter: NAMES });
        this.observer.observe(document.documentElement, { attributes: true });
        this.url = 0; // a frame that was moved in the document loads again
        await 0;
        this.update();
      }

      disconnectedCallback() {
        removeEventListener("message", this);
        this.observer.disconnect();
      }

      update() {
        const given = (name) => this.getAttribute(name);
        const [height, row, heading, rows] = HEIGHTS[given("widget")] || [];
        const token = given("token");
        const url = new URL(`${service}/w/${given("account")}/${given("widget")}`);
        const set = (name, value) => value && url.searchParams.set(name, value);
        const lang = this.closest("[lang]")?.lang;
        // Not with a token, which may lock the language.
        if (!token && /^[a-z]{2,8}(-[a-z\d]{1,8}){0,9}$/i.test(lang)) set("lang", lang);
        for (const name of NAMES.slice(5)) set(name, given(name));
        // Guess the page's colour scheme from its text colour. If it declares both, the visitor's system decides.
        const { color, colorScheme } = getComputedStyle(this);
        url.hash = colorScheme.includes(" ") ? "" : parseFloat(color.split("(")[1]) > (color[0] === "o" ? 0.6 : 150) ? "dark" : "light";

        if (url.href !== this.url || (this.token && !token)) {
          const frame = this.frame = document.createElement("iframe");
          this.url = url.href;
          this.token = token;
          this.content = 0;
          frame.sandbox = "allow-scripts allow-same-origin allow-forms allow-popups";
          frame.loading = given("loading") || (this.getBoundingClientRect().y < innerHeight ? "eager" : "lazy");
          // Hidden until it has something to show, so that no white box flashes on a dark page. Until then the fallback is shown.
          frame.style.visibility = "hidden";
          frame.style.colorScheme = url.hash.slice(1);
          set("token", token);
          frame.src = url;
          this.shadowRoot.replaceChildren(document.createElement("slot"), frame);
        }
        this.frame.title = given("label") || given("widget");
        this.least = given("height") || height + row * (given("rows") || rows) - (given("title") === "0" && heading);
        this.fit();
      }

      // Updates height and token without loading the frame again, which would flicker.
      fit() {
        const { frame } = this;
        const value = this.getAttribute("token");
        this.style.height = Math.max(this.least, this.content) + "px";
        if (frame.style.visibility || value === this.token) return;
        this.token = value;
        frame.contentWindow.postMessage({ cabinetWidget: 1, type: "token", value }, service);
      }

      handleEvent({ source, origin, data: detail }) {
        const { frame } = this;
        if (source !== frame?.contentWindow || origin !== new URL(service).origin) return;
        frame.style.visibility = "";
        frame.previousSibling?.remove();
        this.content = detail.height;
        this.fit();
        this.dispatchEvent(new CustomEvent("cabinet-widget:" + (detail.type === "height" ? "resize" : detail.type), { bubbles: true, detail }));
      }
    });
  }

  if (script.dataset.widget) {
    const element = document.createElement("cabinet-widget");
    for (const name in script.dataset) element.setAttribute(name, script.dataset[name]);
    script.after(element);
  }
})();
