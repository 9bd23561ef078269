/**
 * The loader of Cabinet Widgets: puts the widgets of a trading account on a page.
 *
 *     <script async src="https://widgets.example.com/embed.js"></script>
 *     <cabinet-widget account="main" widget="balance"></cabinet-widget>
 *
 * or, as one tag, <script async src="…/embed.js" data-account="main" data-widget="balance"></script>.
 *
 * When the service serves this file, it replaces the texts that begin with "the".
 */
(() => {
  const script = document.currentScript; // null in a module
  const sheet = new CSSStyleSheet();
  // The slot is the fallback: the frame is hidden until it has something to show, so that no white box flashes on a dark page.
  // The end of the transition means that the color of the page's text has changed, for whatever reason.
  sheet.replaceSync("*{display:block}:host{display:block;height:auto!important}:host([hidden]){display:none!important}slot{position:absolute}slot+*{visibility:hidden}iframe{border:0;width:100%;transition:color 1ms}");

  customElements.get("cabinet-widget") || customElements.define("cabinet-widget", class extends HTMLElement {
    root = this.attachShadow({ mode: "open" });
    observer = new MutationObserver(() => this.update());

    async connectedCallback() {
      this.root.adoptedStyleSheets = [sheet];
      addEventListener("message", this);
      // Attributes that change together update the widget once. The root tag often has the language.
      this.observer.observe(this, { attributes: true });
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
      const get = (name) => this.getAttribute(name);
      const service = (get("service") || script?.src || "").split(/\/(static\/|embed\.|$)/)[0];
      if (!service) return this.fail();

      const url = new URL(`${service}/w/${get("account")}/${get("widget")}`);
      const set = (name, value) => value && url.searchParams.set(name, value);
      const token = get("token");
      const { lang } = this.closest("[lang]") || document.documentElement;
      // Not with a token, which may lock the language.
      if (!token && /^[a-z]{2,8}([-_][a-z\d]{1,8}){0,9}$/i.test(lang)) set("lang", lang);
      for (const name of "the options".split(" ")) set(name, get(name));
      // Guess the page's colour scheme from the lightness of its text: the first number of rgb(), lab() and oklch().
      const { color } = getComputedStyle(this);
      url.hash = color.match(/\b[\d.]+/) > (color > "r" ? 150 : 0.6) ? "dark" : "light";

      // A frame gets a new token by message, but not in a sandboxed page: there it has no origin to send it to.
      if (this.url !== url.href || (this.token !== token && (!token || origin === "null"))) {
        const frame = this.frame = document.createElement("iframe");
        this.url = url.href;
        this.origin = url.origin;
        this.token = token;
        this.content = 0;
        set("token", token);
        frame.sandbox = "allow-scripts allow-same-origin allow-forms allow-popups";
        frame.loading = get("loading") || "lazy";
        frame.style.colorScheme = url.hash.slice(1);
        frame.ontransitionend = () => this.update();
        // No browser tells that a frame may not be shown, but a widget would have sent its height by then.
        frame.onload = () => setTimeout(() => frame.previousSibling && this.fail(), 2e3);
        frame.src = url;
        this.root.replaceChildren(document.createElement("slot"), frame);
      }
      const { frame } = this;
      // An invalid number of rows is an error card, as high as usual.
      const rows = Math.min(get("rows") || "the rows", 100) - "the rows" || 0;
      const height = "the heights"[get("widget")?.slice(0, 4)] + rows * "the row" - (get("title") === "0" && "the heading");
      const least = /^\d+(?=(?:px)?$)/.exec(get("height")) || height || 0;
      frame.title = get("label") || get("widget");
      frame.style.height = Math.max(least, this.content) + "px";
      if (frame.previousSibling || this.token === token) return;
      this.token = token;
      frame.contentWindow.postMessage({ cabinetWidget: 1, type: "token", value: token }, this.origin);
    }

    handleEvent({ source, origin, data: detail }) {
      const { frame } = this;
      // In a sandboxed page, the origin of every frame is "null".
      if (source !== frame?.contentWindow || (origin !== this.origin && origin !== "null")) return;
      frame.previousSibling?.remove();
      this.content = detail.height;
      this.update();
      this.fire(detail);
    }

    // Says what to do, and adds a link unless there is another fallback.
    fail() {
      console.error("cabinet-widget: set service=URL", this);
      if (this.url && !this.firstElementChild) {
        const link = document.createElement("a");
        link.href = this.url;
        link.append(this.frame.title);
        this.append(link);
      }
      this.fire({ type: "error", code: "not_shown" });
    }

    fire(detail) {
      this.dispatchEvent(new CustomEvent("cabinet-widget:" + detail.type, { bubbles: true, detail }));
    }
  });

  if (script?.dataset.widget) {
    const tag = document.createElement("cabinet-widget");
    const all = { service: script.src, ...script.dataset };
    for (const name in all) tag.setAttribute(name, all[name]);
    // Replaced, because libraries that restore a page run its scripts again.
    script.replaceWith(tag);
  }
})();
