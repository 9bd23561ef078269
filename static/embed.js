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
  const sheet = new CSSStyleSheet();
  const script = document.currentScript; // null in a module
  // The slot is the fallback, with an outline of the widget. It lies on the frame, which is hidden until it has something to
  // show, so that no white box flashes on a dark page.
  // The end of the transition means that the color of the page's text has changed, for whatever reason.
  // In Firefox it begins together with a transition of the page and has to be the longer one.
  sheet.replaceSync(":host{display:grid!important;height:auto!important}:host([hidden]){display:none!important}*{display:grid;grid-area:1/1}slot{border:1px solid #8886;border-radius:8px;padding:8px}slot+*{visibility:hidden}iframe{border:0;width:100%;transition:color .4s}");

  customElements.get("cabinet-widget") || customElements.define("cabinet-widget", class extends HTMLElement {
    observer = new MutationObserver(() => this.update());
    root = this.attachShadow({ mode: "open" });

    async connectedCallback() {
      addEventListener("message", this);
      // Attributes that change together update the widget once. The root tag often has the language.
      this.observer.observe(this, { attributes: true });
      this.observer.observe(document.documentElement, { attributes: true });
      this.root.adoptedStyleSheets = [sheet];
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
      const service = (get("service") || script?.src)?.split(/\/(static\/|embed\.|$)/)[0];
      if (!service) return this.fail();

      const url = new URL(`${service}/w/${get("account")}/${get("widget")}`);
      const set = (name, value) => value && url.searchParams.set(name, value);
      const token = get("token");
      const { lang } = this.closest("[lang]") || document.documentElement;
      // Not with a token, which may lock the language.
      if (!token && /^[a-z]{2,8}([-_][a-z\d]{1,8}){0,9}$/i.test(lang)) set("lang", lang);
      for (const name of "the options".split(" ")) set(name, get(name));
      // Guess the page's color scheme from the lightness of its text: the first number of rgb() and oklch().
      const { color } = getComputedStyle(this);
      url.hash = color.match(/\b[\d.]+/) > (color > "r" ? 150 : 0.6) ? "dark" : "light";

      if (this.url !== url.href || (this.token && !token)) {
        const frame = this.frame = document.createElement("iframe");
        this.content = 0;
        this.token = token;
        this.url = url.href;
        set("token", token);
        frame.src = url;
        frame.sandbox = "allow-scripts allow-same-origin allow-forms allow-popups";
        frame.loading = get("loading") || "lazy";
        frame.ontransitionend = () => this.update();
        // No browser tells that a frame may not be shown, but a widget would have sent its height by then.
        frame.onload = () => setTimeout(() => frame.previousSibling && this.fail(), 2e3);
        this.root.replaceChildren(document.createElement("slot"), frame);
      }
      const { frame } = this;
      // The position of its height is the widget's name, as a number, modulo the length of the list.
      // An invalid number of rows is an error card, as high as usual.
      const height =
        "the heights"[parseInt(get("widget")?.slice(0, "the letters"), 36) % "the length"] +
        (Math.min(get("rows") || "the rows", 100) - "the rows" || 0) * "the row" -
        (get("title") === "0" && get("switch") !== "1") * "the heading";
      frame.title = get("label") || get("widget");
      frame.style.colorScheme = url.hash.slice(1);
      frame.style.height = Math.max(parseInt(/^\d+(px)?$/.exec(get("height"))) || height || 0, this.content) + "px";
      if (frame.previousSibling || this.token === token) return;
      this.token = token;
      frame.contentWindow.postMessage({ token }, this.url);
    }

    handleEvent({ origin, source, data: detail }) {
      // In a sandboxed page, the origin of every frame is "null".
      if (this.frame?.contentWindow !== source || (origin !== new URL(this.url).origin && origin !== "null")) return;
      this.frame.previousSibling?.remove();
      this.content = detail.height;
      this.update();
      this.dispatchEvent(new CustomEvent("cabinet-widget:" + detail.type, { bubbles: true, detail }));
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
      this.dispatchEvent(new CustomEvent("cabinet-widget:error", { bubbles: true, detail: { code: "not_shown" } }));
    }
  });

  if (script?.dataset.widget) {
    const tag = document.createElement("cabinet-widget");
    tag.setAttribute("service", script.src);
    for (const name in script.dataset) tag.setAttribute(name, script.dataset[name]);
    // Replaced, because libraries that restore a page run its scripts again.
    script.replaceWith(tag);
  }
})();
