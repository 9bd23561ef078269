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
  const OPTIONS = ["theme", "accent", "lang", "tz", "title", "refresh", "rows", "period", "from", "to", "group"];
  const EVENTS = { load: "load", height: "resize", expired: "expired", error: "error" };
  const script = document.currentScript;
  const home = script.src.replace(/(static\/\w+\/)?embed[^/]*$/, "");
  const { origin } = new URL(home);

  class CabinetWidget extends HTMLElement {
    static observedAttributes = ["account", "widget", "token", "height", "label", ...OPTIONS];

    connectedCallback() {
      if (!this.shadowRoot) {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(
          ":host{display:grid}:host([hidden]){display:none}slot,iframe{display:block;grid-area:1/1}iframe{border:0;width:100%;height:100%}",
        );
        this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
      }
      addEventListener("message", this);
      this.update();
    }

    // A frame that is moved loads anew, so nothing of it is kept.
    disconnectedCallback() {
      removeEventListener("message", this);
      this.shadowRoot.replaceChildren();
      this.url = this.frame = null;
    }

    attributeChangedCallback() {
      this.update();
    }

    // Attributes that change together change the widget once.
    update() {
      this.queued ||= Promise.resolve().then(() => {
        this.queued = null;
        if (this.isConnected) this.show();
      });
    }

    show() {
      const given = (name) => this.getAttribute(name);
      const [height, row, heading, rows] = HEIGHTS[given("widget")] || [320, 0, 0, 0];
      const token = given("token");
      const query = new URLSearchParams();
      for (const name of OPTIONS) if (given(name) !== null) query.set(name, given(name));
      const { lang } = this.closest("[lang]") || document.documentElement;
      // A token may have locked the language.
      if (!token && !query.has("lang") && /^[a-z]{2,8}(-[a-z\d]{1,8}){0,4}$/i.test(lang)) query.set("lang", lang);
      const url = `${home}w/${given("account")}/${given("widget")}?${query}`;

      this.least = parseInt(given("height")) || height + row * (+given("rows") || rows) - (given("title") === "0" && heading);
      if (url !== this.url || (this.token && !token)) {
        this.url = url;
        this.token = token;
        this.ready = false;
        this.frame = document.createElement("iframe");
        this.frame.sandbox = "allow-scripts allow-same-origin allow-forms allow-popups";
        this.frame.loading = given("loading") || (this.getBoundingClientRect().top < innerHeight ? "eager" : "lazy");
        // Unseen until it has something to show: what stands in the element shows, and no white box flashes in the dark.
        this.frame.style.visibility = "hidden";
        this.frame.onload = () => this.firstElementChild || this.reveal();
        // A dark page that declares no scheme is known by its light text.
        const { color, colorScheme } = getComputedStyle(this);
        const [r, g, b] = color.match(/[\d.]+/g);
        if (colorScheme === "normal" && r * 3 + g * 6 + +b > 1500) this.frame.style.colorScheme = "dark";
        if (token) query.set("token", token);
        this.frame.src = `${home}w/${given("account")}/${given("widget")}?${query}`;
        this.style.height = this.least + "px";
        this.shadowRoot.replaceChildren(document.createElement("slot"), this.frame);
      } 
      this.frame.title = given("label") || this.label || given("widget").replace("-", " ");
      if (this.ready && token !== this.token) {
        this.token = token;
        this.frame.contentWindow.postMessage({ cabinetWidget: 1, type: "token", value: token }, origin);
      }
    }
  }
})();
