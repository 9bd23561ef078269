/**
 * The script of a widget's page. Without it the page is complete; with it the page
 *   - tells the page around it how high it is, and when its access is about to run out,
 *   - asks for itself again while it is seen, and changes only what is different,
 *   - unlocks itself without leaving, and reads its charts out to pointer and keyboard.
 */
(() => {
  const root = document.getElementById("w");
  const status = document.querySelector("[role=status]");

  // -- What the page around it is told ------------------------------------------------------------------------------

  const isFramed = parent !== window;
  const secret = location.hash.match(/^#\?secret=(\w+)/)?.[1]; // of WordPress's own oEmbed protocol
  let height = 0;

  function tell(type, more) {
    if (isFramed) parent.postMessage({ cabinetWidget: 1, type, height, ...more }, "*");
  }

  function tellState() {
    const code = root.dataset.error;
    if (code) tell("error", { code });
    else tell("load");
  }

  function tellHeight() {
    tell("height");
    if (secret) parent.postMessage({ message: "height", value: height, secret }, "*");
  }

  function measure() {
    const now = Math.ceil(root.getBoundingClientRect().height);
    if (now > height || now < height - 4) {
      height = now;
      tellHeight();
    }
    for (const rows of root.querySelectorAll(".rows")) {
      if (rows.scrollWidth > rows.clientWidth) rows.tabIndex = 0;
      else rows.removeAttribute("tabindex");
    }
  }

  addEventListener("message", ({ source, data }) => {
    if (source !== parent || !data) return;
    if (secret && data.secret === secret && data.message === "ready") tellHeight();
    if (data.cabinetWidget === 1 && data.type === "token" && typeof data.value === "string") renew(data.value);
  });

  // -- Fresh figures ------------------------------------------------------------------------------------------------

  const MAX_PAUSE = 600; // seconds
  // The loader says which colour scheme the page around has, for those that leave it to the page.
  const scheme = location.hash.match(/^#(light|dark)$/)?.[1];
  const { dataset } = document.documentElement;
  if (scheme && dataset.theme === "auto") dataset.theme = scheme;
  const address = new URL(location.href.replace(/\/unlock(?=\?|#|$)/, ""));
  address.hash = "";
  let etag = null;
  let failures = 0;
  let isRetried = false; // whether old figures have been asked for again once
  let isOver = false;
  let due = 0; // when to ask again, in milliseconds; 0 is never
  let timer;
  let request;

  async function refresh() {
    request?.abort();
    request = new AbortController();
    const { signal } = request;
    let pause = 0;
    try {
      // With a tag of our own the browser's cache stays out of it, so that this works where answers may not be kept.
      const headers = etag ? { "If-None-Match": etag } : {};
      const answer = await fetch(address, { headers, cache: etag ? "no-store" : "no-cache", signal });
      pause = +answer.headers.get("Retry-After") || 0;
      if (answer.status !== 304) await take(answer);
      failures = 0;
    } catch {
      if (signal.aborted) return;
      failures += 1;
    }
    say();
    plan(pause);
  }

  // Shows what an answer says; throws where it says only that there is nothing new to show for now.
  async function take(answer) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("w");
    const isPassing = answer.status === 429 || answer.status >= 500;
    if (!fresh || (isPassing && answer.status !== 501 && !root.dataset.error)) throw new Error(answer.statusText);
    if (answer.status === 401 && !root.dataset.error && !fresh.querySelector("form")) {
      isOver = true;
      return;
    }
    etag = answer.headers.get("ETag");
    show(page, fresh);
  }

  function plan(pause = 0) {
    const { error, refresh, stale } = root.dataset;
    const every = +refresh;
    const isHopeless = isOver || (error && !/^(upstream|internal)/.test(error));
    const isOld = error || stale !== undefined;
    let seconds = every;
    if (failures) seconds = Math.min(MAX_PAUSE, Math.min(every, 30) * 2 ** (failures - 1));
    else if (isOld && !isRetried) seconds = Math.min(every, 5);
    isRetried = isOld;
    // A little apart, so that all the widgets there are do not ask at once.
    due = isHopeless ? 0 : Date.now() + 1000 * Math.max(pause, seconds * (0.95 + Math.random() / 10));
    wake();
  }

  function wake() {
    clearTimeout(timer);
    if (due && !document.hidden) timer = setTimeout(refresh, Math.max(0, due - Date.now()));
  }

  addEventListener("visibilitychange", wake);
  addEventListener("pageshow", wake);
  addEventListener("online", () => failures && refresh());

  // -- What is different ---------------------------------------------------------------------------------------------

  const OURS = /^(open|tabindex|role|style|aria-value|[xc][12xy])/; // attributes that this script and the reader set
  const isStill = matchMedia("(prefers-reduced-motion: reduce)");

  function show(page, fresh) {
    const code = root.dataset.error;
    const style = document.querySelector("link[rel=stylesheet]");
    const href = page.querySelector("link[rel=stylesheet]").getAttribute("href");
    if (style.getAttribute("href") !== href) style.href = href;
    document.title = page.title;
    isOver = false;
    morph(root, fresh);
    adopt();
    if (code !== root.dataset.error) tellState();
  }

  // Makes one node like another.
  function morph(before, after) {
    if (before.nodeType !== Node.ELEMENT_NODE) {
      if (before.data !== after.data) {
        before.data = after.data;
        mark(before.parentElement);
      }
      return;
    }
    for (const { name } of [...before.attributes]) {
      if (!after.hasAttribute(name) && !OURS.test(name)) before.removeAttribute(name);
    }
    for (const { name, value } of after.attributes) {
      if (before.getAttribute(name) !== value && !(OURS.test(name) && before.matches(".plot"))) before.setAttribute(name, value);
    }
    const keyed = new Map();
    for (const child of before.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
    let next = before.firstChild;
    for (const wanted of [...after.childNodes]) {
      const key = wanted.dataset?.key;
      const found = key ? keyed.get(key) : next;
      if (found?.nodeName === wanted.nodeName && found.dataset?.key === key) {
        if (found === next) next = next.nextSibling;
        else before.insertBefore(found, next);
        morph(found, wanted);
      } else {
        before.insertBefore(wanted, next);
        if (key) wanted.querySelectorAll("bdi").forEach(mark);
      }
    }
    while (next) {
      const gone = next;
      next = next.nextSibling;
      gone.remove();
    }
  }

  // Says softly that a figure has changed.
  function mark(element) {
    if (isStill.matches || !element.closest("td, dd, tbody th")) return;
    const tint = "color-mix(in srgb, currentColor 25%, transparent)";
    element.animate({ backgroundColor: [tint, "transparent"] }, { duration: 2000, easing: "ease-out" });
  }

  // -- What is said aloud --------------------------------------------------------------------------------------------

  const SILENCE = 60_000; // milliseconds between two reports of the figures
  let lastReport = Date.now();
  let lastSummary = root.dataset.summary;

  function say() {
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

  // -- Access --------------------------------------------------------------------------------------------------------

  let warning;
  let ending;
  let toldOf;

  // Takes over what a page brought for its script.
  function adopt() {
    const { token, expires } = root.dataset;
    delete root.dataset.token; // kept in memory only
    if (token) address.searchParams.set("token", token);
    // Each token is told of once, however many refreshes there are before its end.
    if (expires !== toldOf) {
      toldOf = expires;
      clearTimeout(warning);
      clearTimeout(ending);
      const left = 1000 * expires - Date.now();
      if (expires) {
        warning = setTimeout(tell, left - Math.min(30_000, left / 5), "expired");
        ending = setTimeout(refresh, left + 1000);
      }
    }
    for (const plot of root.querySelectorAll(".plot")) prepare(plot);
  }

  function renew(token) {
    address.searchParams.set("token", token);
    etag = null;
    isOver = false;
    refresh();
  }

  root.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const body = new URLSearchParams(new FormData(form));
    form.querySelector("button").disabled = true;
    try {
      await take(await fetch(form.action, { method: "POST", body }));
      delete root.dataset.state;
    } catch {
      root.dataset.state = "lost";
    }
    etag = null;
    const input = root.querySelector("#password");
    if (input) {
      root.querySelector("button").disabled = false;
      input.select();
    } else {
      root.focus();
    }
    plan();
  });

  // -- Charts --------------------------------------------------------------------------------------------------------

  // The points of a chart: where they are, in percent of its width and in pixels, and what the table says of them.
  function pointsOf(plot) {
    const { width } = plot.querySelector("svg svg").viewBox.baseVal;
    const line = plot.querySelector(".line");
    const places = line
      ? [...line.getAttribute("d").matchAll(/([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [+x, +y])
      : [...plot.querySelectorAll("rect")].map((bar) => [+bar.getAttribute("x") + bar.getAttribute("width") / 2, +bar.getAttribute("y")]);
    const rows = plot.parentElement.querySelectorAll("tbody tr");
    return places.map(([x, y], i) => ({ x: (100 * x) / width, y: y + 8, cells: [...rows[i].cells].map((cell) => cell.textContent) }));
  }

  function prepare(plot) {
    const points = pointsOf(plot);
    plot.tabIndex = 0;
    plot.setAttribute("role", "slider");
    plot.setAttribute("aria-label", plot.dataset.label);
    plot.setAttribute("aria-valuemin", 1);
    plot.setAttribute("aria-valuemax", points.length);
    plot.points = points;
    point(plot, Math.min(plot.current ?? Infinity, points.length - 1), plot.isRead ?? false);
  }

  function point(plot, i, isRead = true) {
    const { x, y, cells } = plot.points[i];
    const [name, value] = cells;
    const tip = plot.querySelector(".tip");
    const figure = document.createElement("bdi"); // or Arabic would put the percent sign before it
    figure.textContent = value;
    plot.current = i;
    plot.isRead = isRead;
    plot.setAttribute("aria-valuenow", i + 1);
    plot.setAttribute("aria-valuetext", cells.join(": "));
    plot.classList.toggle("read", isRead);
    tip.hidden = !isRead;
    tip.replaceChildren(`${name}: `, figure);
    tip.style.left = `${Math.max(0, Math.min(plot.clientWidth - tip.offsetWidth, (plot.clientWidth * x) / 100 - tip.offsetWidth / 2))}px`;
    const [stroke, dot] = plot.querySelectorAll(".mark");
    for (const name of ["x1", "x2"]) stroke.setAttribute(name, `${x}%`);
    dot.setAttribute("cx", `${x}%`);
    dot.setAttribute("cy", y);
  }

  function plotOf(event) {
    return event.target.closest?.(".plot");
  }

  root.addEventListener("pointermove", (event) => {
    const plot = plotOf(event);
    if (!plot?.points) return;
    const { left, width } = plot.getBoundingClientRect();
    const x = (100 * (event.clientX - left)) / width;
    const distance = (i) => Math.abs(plot.points[i].x - x);
    point(plot, [...plot.points.keys()].reduce((best, i) => (distance(i) < distance(best) ? i : best)));
  });

  root.addEventListener("pointerout", (event) => {
    const plot = plotOf(event);
    if (plot?.points && !plot.contains(event.relatedTarget)) point(plot, plot.current, false);
  });

  root.addEventListener("focusin", (event) => plotOf(event)?.points && point(plotOf(event), plotOf(event).current));
  root.addEventListener("focusout", (event) => plotOf(event)?.points && point(plotOf(event), plotOf(event).current, false));

  root.addEventListener("keydown", (event) => {
    const plot = plotOf(event);
    if (!plot?.points) return;
    const last = plot.points.length - 1;
    const to = {
      ArrowLeft: plot.current - 1,
      ArrowDown: plot.current - 1,
      ArrowRight: plot.current + 1,
      ArrowUp: plot.current + 1,
      PageDown: plot.current - 10,
      PageUp: plot.current + 10,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    point(plot, Math.max(0, Math.min(last, to)));
  });

  adopt();
  measure();
  tellState();
  new ResizeObserver(measure).observe(root);
  plan();
})();
