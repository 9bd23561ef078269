/**
 * The loader of Cabinet Widgets: puts the widgets of a trading account on a page.
 *
 *     <script async src="https://widgets.example.com/embed.js"></script>
 *     <cabinet-widget account="main" widget="balance"></cabinet-widget>
 *
 * or, as one tag, <script async src="…/embed.js" data-account="main" data-widget="balance"></script>.
 */
(() => {
  // Of each widget: height, height of a row, height of the heading, rows by default.
  const HEIGHTS = {} // filled in by the service
  const NAMES = "account widget token height label theme accent lang tz title refresh rows period from to group".split(" ");
  const script = document.currentScript;
  const service = script.src.split(/\/static\/|\/embed\./)[0];
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(":host{display:grid}*{grid-area:1/1;border:0;width:100%;height:100%}");

  class CabinetWidget extends HTMLElement {
    constructor() {
      super();
      this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
      // Attributes that change together change the widget once.
      new MutationObserver(() => this.update()).observe(this, { attributeFilter: NAMES });
    }

    async connectedCallback() {
      addEventListener("message", this);
      this.url = 0; // a frame that was moved loads anew
      await 0;
      this.update();
    }

    disconnectedCallback() {
      removeEventListener("message", this);
    }

    update() {
      const given = (name) => this.getAttribute(name);
      const [height, row, heading, rows] = HEIGHTS[given("widget")] || [];
      const token = given("token");
      const query = new URLSearchParams();
      for (const name of NAMES.slice(5)) if (given(name)) query.set(name, given(name));
      const lang = this.closest("[lang]")?.lang;
      // A token may have locked the language.
      if (!token && !given("lang") && lang?.match(/^[a-z]{2,8}(-\w{1,8})*$/i)) query.set("lang", lang);
      const url = `${service}/w/${given("account")}/${given("widget")}?${query}`;

      if (url !== this.url || (this.token && !token)) {
        const frame = (this.frame = document.createElement("iframe"));
        this.url = url;
        this.token = token;
        this.content = 0;
        frame.sandbox = "allow-scripts allow-same-origin allow-forms allow-popups";
        frame.loading = given("loading") || (this.getBoundingClientRect().y < innerHeight ? "eager" : "lazy");
        // Unseen until it has something to show: no white box flashes in the dark, and the fallback stands that long.
        frame.style.visibility = "hidden";
        frame.onload = () => this.firstElementChild || this.reveal();
        // A dark page that declares no colour scheme is known by its light text.
        const { color, colorScheme } = getComputedStyle(this);
        if (colorScheme === "normal" && color.match(/\d+/g)[1] > 150) frame.style.colorScheme = "dark";
        frame.src = token ? `${url}&token=${token}` : url;
        this.shadowRoot.replaceChildren(document.createElement("slot"), frame);
      }
      this.frame.title = given("label") || given("widget");
      this.least = given("height") || height + row * (given("rows") || rows) - (given("title") === "0" && heading) || 320;
      this.renew();
    }

    reveal() {
      this.frame.style.visibility = "";
      this.frame.previousSibling?.remove();
      this.renew();
    }

    // Height and token follow without loading the frame again, which would blink.
    renew() {
      const value = this.getAttribute("token");
      this.style.height = Math.max(this.least, this.content) + "px";
      if (this.frame.style.visibility || value === this.token) return;
      this.token = value;
      this.frame.contentWindow.postMessage({ cabinetWidget: 1, type: "token", value }, service);
    }

    handleEvent({ source, origin, data: detail }) {
      if (source !== this.frame?.contentWindow || origin !== new URL(service).origin) return;
      this.content = detail.height || this.content;
      this.reveal();
      const name = detail.type === "height" ? "resize" : detail.type;
      this.dispatchEvent(new CustomEvent("cabinet-widget:" + name, { bubbles: true, detail }));
    }
  }

  if (!customElements.get("cabinet-widget")) customElements.define("cabinet-widget", CabinetWidget);

  if (script.dataset.widget) {
    const element = document.createElement("cabinet-widget");
    for (const name in script.dataset) element.setAttribute(name, script.dataset[name]);
    script.after(element);
  }
})();
