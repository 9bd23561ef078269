// Checks the layout of a widget's page at each width, inside the page: text that is cut off, wraps, overlaps other text,
// leaves its box, or lacks contrast. Returns a list of problems.
({ widths, height }) => {
  const root = document.getElementById("w");
  const html = document.documentElement;
  const problems = new Set();

  // -- Colours -------------------------------------------------------------------------------------------------------

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map(); // drawing is slow, and a page has few colours
  const rgba = (colour) => {
    if (!known.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return known.get(colour);
  };
  const over = ([r, g, b, a], ground) => [r, g, b].map((x, i) => x * a + ground[i] * (1 - a));
  const luminance = (colour) => {
    const [r, g, b] = colour.map((x) => ((x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  // The browser's canvas colour is the background where the page does not set one.
  html.style.backgroundColor = "Canvas";
  const page = rgba(getComputedStyle(html).backgroundColor);
  html.style.backgroundColor = "";
  const ground = (element) => {
    const path = [];
    for (; element; element = element.parentElement) path.unshift(element);
    return path.reduce((below, each) => over(rgba(getComputedStyle(each).backgroundColor), below), page);
  };

  // -- Texts ---------------------------------------------------------------------------------------------------------

  const isHidden = (element) => element.closest(".vh, [hidden], .mark") || !element.checkVisibility({ visibilityProperty: true });
  const nameOf = (text) => `“${text.data.trim().slice(0, 40)}” in ${text.parentElement.closest("[class], dd, dt, td, th, p, h1")?.outerHTML.slice(0, 40)}`;

  function texts() {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
      const text = walker.currentNode;
      const element = text.parentElement;
      if (!text.data.trim() || isHidden(element)) continue;
      const range = document.createRange();
      range.selectNodeContents(text);
      const rects = [...range.getClientRects()].filter(({ width }) => width > 0.5);
      if (rects.length) found.push({ text, element, rects });
    }
    return found;
  }

  // Where texts may be cut off with an ellipsis: names of symbols and programs, which others choose,
  // a heading next to two dates, and the name of the account.
  const mayBeCut = (element) => element.closest(".sym, .wide, .who, header:has(p bdi) h1");

  function check(width) {
    const box = root.getBoundingClientRect();
    const report = (what) => problems.add(`${width}: ${what}`);
    if (html.scrollWidth > Math.max(innerWidth, width) || root.scrollWidth > box.width) report(`the page is ${root.scrollWidth} wide`);
    if (height && box.height !== height) report(`${box.height} high instead of ${height}`);
    for (const rows of root.querySelectorAll(".rows")) {
      if (rows.scrollWidth > rows.clientWidth) report(`a table scrolls: ${rows.scrollWidth} in ${rows.clientWidth}`);
    }
    const visible = texts();
    for (const { text, element, rects } of visible) {
      if (rects.length > 1 && new Set(rects.map(({ top }) => Math.round(top))).size > 1 && !element.closest(".card, .empty, .below, tfoot .l")) report(`wraps: ${nameOf(text)}`);
      for (const { left, right, top, bottom } of rects) {
        if (left < box.left || right > box.right || top < box.top - 0.5 || bottom > box.bottom + 0.5) {
          if (!mayBeCut(element)) report(`leaves its box by ${Math.round(Math.max(box.left - left, right - box.right))} px: ${nameOf(text)}`);
        }
        for (let outer = element; outer !== root; outer = outer.parentElement) {
          if (getComputedStyle(outer).overflowX === "visible" || mayBeCut(element) || outer.matches("svg, svg *")) continue;
          const { left: from, right: to } = outer.getBoundingClientRect();
          if (left < from - 0.5 || right > to + 0.5) report(`is cut off by ${Math.round(Math.max(from - left, right - to))} px: ${nameOf(text)}`);
        }
      }
      const style = getComputedStyle(element);
      const size = parseFloat(style.fontSize);
      if (size < 10 && !element.matches("i")) report(`${size} px small: ${nameOf(text)}`);
      const below = ground(element);
      const least = element.matches("i") ? 3 : 4.5; // arrows are graphics
      const ratio = contrast(over(rgba(element.matches("svg *") ? style.fill : style.color), below), below);
      if (ratio < least) report(`contrast ${ratio.toFixed(2)}: ${nameOf(text)}`);
    }
    const boxes = visible.filter(({ element }) => !mayBeCut(element)).flatMap(({ text, rects }) => rects.map((rect) => ({ text, rect })));
    for (const [i, { text, rect: a }] of boxes.entries()) {
      for (const { text: other, rect: b } of boxes.slice(i + 1)) {
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        // Line boxes may overlap by the space that letters never fill.
        if (other !== text && wide > 0.5 && high > 0.3 * Math.min(a.height, b.height)) report(`overlaps ${nameOf(other)}: ${nameOf(text)}`);
      }
    }
    for (const target of root.querySelectorAll("button, input, summary, a")) {
      const { width: w, height: h } = target.getBoundingClientRect();
      if (!isHidden(target) && (w < 24 || h < 24)) report(`a target of ${w}×${h}: ${target.outerHTML.slice(0, 60)}`);
    }
  }

  for (const width of widths) {
    document.body.style.width = `${width}px`;
    check(width);
  }
  document.body.style.width = "";
  return [...problems];
}
