/**
 * The script of a widget's page. The page is complete without it; with it, the page
 *   - tells the host page its height and when its access is about to expire,
 *   - refreshes itself while it is visible, and changes only what is different.
 */
(() => {
  const root = document.getElementById("w");
  const status = document.querySelector("[role=status]");

  // -- Messages to the host page ------------------------------------------------------------------------------------

  const isFramed = parent !== window;
  const secret = location.hash.match(/^#\?secret=(\w+)/)?.[1]; // part of WordPress's own oEmbed protocol
  let height = 0;

  function notify(type, more) {
    if (isFramed) parent.postMessage({ cabinetWidget: 1, type, height, ...more }, "*");
  }

  function notifyState() {
    const code = root.dataset.error;
    if (code) notify("error", { code });
    else notify("load");
  }

  function notifyHeight() {
    notify("resize");
    if (secret) parent.postMessage({ message: "height", value: height, secret }, "*");
  }

  function measure() {
    const now = Math.ceil(root.getBoundingClientRect().height);
    if (now > height || now < height - 4) {
      height = now;
      notifyHeight();
    }
    for (const rows of root.querySelectorAll(".rows")) {
      if (rows.scrollWidth > rows.clientWidth || rows.scrollHeight > rows.clientHeight) rows.tabIndex = 0;
      else rows.removeAttribute("tabindex");
    }
  }

  addEventListener("message", ({ source, data }) => {
    if (source !== parent || !data) return;
    if (secret && data.secret === secret && data.message === "ready") notifyHeight();
    if (typeof data.token === "string") renew(data.token);
  });

  // -- Refreshing ---------------------------------------------------------------------------------------------------

  const MAX_PAUSE = 600; // seconds
  // The loader passes the host page's colour scheme, which the frame has as well.
  const scheme = location.hash.match(/^#(light|dark)$/)?.[1];
  const { dataset } = document.documentElement;
  if (scheme) dataset.scheme = scheme;
  if (scheme && dataset.theme === "auto") dataset.theme = scheme;
  const address = new URL(location.href.replace(/\/unlock(?=\?|#|$)/, ""));
  address.hash = "";
  let etag = null;
  let failures = 0;
  let isRetried = false; // whether stale figures were already requested again
  let isOver = false;
  let due = 0; // time of the next refresh, in milliseconds; 0 is never
  let timer;
  let request;

  async function refresh() {
    request?.abort();
    request = new AbortController();
    const { signal } = request;
    let pause = 0;
    try {
      // Sending the ETag ourselves bypasses the browser's cache, so it works for responses that must not be stored.
      const headers = etag ? { "If-None-Match": etag } : {};
      const response = await fetch(address, { headers, cache: etag ? "no-store" : "no-cache", signal });
      pause = +response.headers.get("Retry-After") || 0;
      if (response.status !== 304) await apply(response);
      failures = 0;
    } catch {
      if (signal.aborted) return;
      failures += 1;
    }
    announce();
    schedule(pause);
  }

  // Shows the contents of a response. Throws on a temporary error, so that the current figures remain.
  async function apply(response) {
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.getElementById("w");
    const isTemporary = response.status === 429 || response.status >= 500;
    if (!fresh || (isTemporary && response.status !== 501 && !root.dataset.error)) throw new Error(response.statusText);
    if (response.status === 401 && !root.dataset.error && !fresh.querySelector("form")) {
      isOver = true;
      return;
    }
    etag = response.headers.get("ETag");
    show(page, fresh);
  }

  function schedule(pause = 0) {
    const { error, refresh, stale } = root.dataset;
    const interval = +refresh;
    const isPermanent = isOver || (error && !/^(upstream|internal|delayed)/.test(error));
    const isStale = error || stale !== undefined;
    let seconds = interval;
    if (failures) seconds = Math.min(MAX_PAUSE, Math.min(interval, 30) * 2 ** (failures - 1));
    else if (isStale && !isRetried) seconds = Math.min(interval, 5);
    isRetried = isStale;
    // Random, so that not all widgets refresh at the same time.
    due = isPermanent ? 0 : Date.now() + 1000 * Math.max(pause, seconds * (0.95 + Math.random() / 10));
    startTimer();
  }

  function startTimer() {
    clearTimeout(timer);
    if (due && !document.hidden) timer = setTimeout(refresh, Math.max(0, due - Date.now()));
  }

  addEventListener("visibilitychange", startTimer);
  addEventListener("pageshow", startTimer);
  addEventListener("online", () => failures && refresh());

  // -- Updating the page ---------------------------------------------------------------------------------------------

  const OURS = /^(open|tabindex|role|style|aria-value|[xc][12xy])/; // attributes that this script or the visitor sets
  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

  function show(page, fresh) {
    const code = root.dataset.error;
    const style = document.querySelector("link[rel=stylesheet]");
    const href = page.querySelector("link[rel=stylesheet]").getAttribute("href");
    if (style.getAttribute("href") !== href) style.href = href;
    document.title = page.title;
    isOver = false;
    morph(root, fresh);
    readData();
    root.dispatchEvent(new Event("refreshed")); // for chart.js
    if (code !== root.dataset.error) notifyState();
  }

  // Changes one node into another.
  function morph(before, after) {
    if (before.nodeType !== Node.ELEMENT_NODE) {
      if (before.data !== after.data) {
        before.data = after.data;
        highlight(before.parentElement);
      }
      return;
    }
    for (const { name } of [...before.attributes]) {
      if (!after.hasAttribute(name) && !OURS.test(name)) before.removeAttribute(name);
    }
    for (const { name, value } of after.attributes) {
      if (before.getAttribute(name) !== value && !(OURS.test(name) && before.matches(".plot"))) before.setAttribute(name, value);
    }
    // Several rows can have the same key: the parts of a position have one ticket. They keep their order.
    const keyed = new Map();
    for (const child of before.children) {
      const { key } = child.dataset;
      if (key && !keyed.has(key)) keyed.set(key, []);
      if (key) keyed.get(key).push(child);
    }
    let next = before.firstChild;
    for (const wanted of [...after.childNodes]) {
      const key = wanted.dataset?.key;
      const found = key ? keyed.get(key)?.shift() : next;
      if (found?.nodeName === wanted.nodeName && found.dataset?.key === key) {
        if (found === next) next = next.nextSibling;
        else before.insertBefore(found, next);
        morph(found, wanted);
      } else {
        before.insertBefore(wanted, next);
        if (key) wanted.querySelectorAll("bdi").forEach(highlight);
      }
    }
    while (next) {
      const gone = next;
      next = next.nextSibling;
      gone.remove();
    }
  }

  // Briefly highlights a figure that has changed.
  function highlight(element) {
    if (reducedMotion.matches || !element.closest("td, dd, tbody th")) return;
    const tint = "color-mix(in srgb, currentColor 25%, transparent)";
    element.animate({ backgroundColor: [tint, "transparent"] }, { duration: 2000, easing: "ease-out" });
  }

  // -- Screen readers ------------------------------------------------------------------------------------------------

  const SILENCE = 60_000; // minimum milliseconds between two announcements of the figures
  let lastReport = Date.now();
  let lastSummary = root.dataset.summary;

  function announce() {
    const state = isOver ? "over" : failures > 1 && !root.dataset.error ? "lost" : "";
    if ((root.dataset.state || "") !== state) {
      if (state) root.dataset.state = state;
      else delete root.dataset.state;
      status.textContent = root.querySelector(`.${state || "none"}`)?.textContent || "";
      if (state) return; // figures that came before it must not replace it
    }
    const { summary } = root.dataset;
    if (summary && summary !== lastSummary && Date.now() - lastReport > SILENCE) {
      lastSummary = summary;
      lastReport = Date.now();
      status.textContent = summary;
    }
  }

  // -- Age of the figures --------------------------------------------------------------------------------------------

  const UNITS = Object.entries({ week: 10080, day: 1440, hour: 60, minute: 1 }); // in minutes
  const CACHED = 900_000; // milliseconds for which a page may have been in a cache
  const { lang } = document.documentElement;
  // As the service writes it: with the shorter words of British English, and with the digits of the figures.
  const words = new Intl.RelativeTimeFormat(`${lang.replace(/^en$/, "en-GB")}-u-nu-latn`, { style: "short" });
  let describedTime; // the time of the figures by the visitor's clock, in milliseconds

  function readAge() {
    const age = root.querySelector(".age");
    if (!age) return;
    // A page from a cache is older than it says, and the clock of a visitor may be wrong by hours.
    const latest = Date.now() - 60_000 * age.dataset.minutes;
    const exact = Date.parse(age.parentElement.dateTime);
    describedTime = exact < latest && exact > latest - CACHED ? exact : latest;
    writeAge();
  }

  function writeAge() {
    const age = root.querySelector(".age");
    if (!age) return;
    const minutes = (Date.now() - describedTime) / 60_000;
    const [unit, size] = UNITS.find(([, size]) => minutes >= size) || [];
    const text = unit ? words.format(-Math.floor(minutes / size), unit) : age.dataset.now;
    if (age.textContent !== text) age.textContent = text;
  }

  setInterval(writeAge, 10_000);

  // Where there is no room for the exact time, a tap displays it instead of the name.
  root.addEventListener("click", ({ target }) => {
    if (target.closest(".asof")) root.toggleAttribute("data-exact");
  });

  // -- Access --------------------------------------------------------------------------------------------------------

  const LEEWAY = 30_000; // milliseconds for which the service accepts a token after its expiry
  let warning;
  let ending;
  let announcedExpiry;

  // Reads the data that the page contains for this script.
  function readData() {
    const { token, expires } = root.dataset;
    delete root.dataset.token; // only in memory from now on
    if (token) {
      root.widget.token = token;
      address.searchParams.set("token", token);
    }
    // Announce the end of each token once, however many refreshes happen before it.
    if (expires !== announcedExpiry) {
      announcedExpiry = expires;
      clearTimeout(warning);
      clearTimeout(ending);
      const left = 1000 * expires - Date.now();
      if (expires) {
        warning = setTimeout(notify, left - Math.min(30_000, left / 5), "expired");
        ending = setTimeout(refresh, left + LEEWAY + 1000);
      }
    }
    readAge();
  }

  function renew(token) {
    address.searchParams.set("token", token);
    etag = null;
    isOver = false;
    refresh();
  }

  // Follows the links to other pages and periods without a reload, and with the token in memory, which may be newer.
  root.addEventListener("click", async (event) => {
    const link = event.target.closest("nav a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { pathname, searchParams } = new URL(link.href);
    if (pathname !== location.pathname.replace(/\/unlock$/, "")) return;
    event.preventDefault();
    const nav = link.parentElement;
    const { rel } = link;
    const token = address.searchParams.get("token");
    if (token) searchParams.set("token", token);
    address.search = searchParams;
    etag = null;
    await refresh();
    // The last page has no link to the next one.
    const links = [...nav.querySelectorAll("a")];
    const next = links.find((each) => (rel ? each.rel === rel : each.ariaCurrent)) || links[0];
    next?.focus();
    status.textContent = (rel ? nav : next).textContent.trim();
  });

  root.widget = { apply, renew, schedule }; // for unlock.js, which only locked pages load
  readData();
  schedule();

  // Reports the height, upon which the host page displays the widget.
  function start() {
    measure();
    notifyState();
    new ResizeObserver(measure).observe(root);
  }

  // WebKit runs this script before the style sheet is loaded, and without it the height is wrong.
  const style = document.querySelector("link[rel=stylesheet]");
  if (style.sheet) start();
  else for (const type of ["load", "error"]) style.addEventListener(type, start, { once: true });
})();
