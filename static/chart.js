/**
 * Makes the charts of a widget readable with pointer and keyboard. The service appends it to widget.js for the widgets that
 * have a chart.
 */
(() => {
  const root = document.getElementById("w");

  // The points of a chart: x in percent of its width, y in pixels, and the texts of their table row.
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
    const [name, value, drawdown] = cells;
    const tip = plot.querySelector(".tip");
    const figure = document.createElement("bdi"); // isolated, because Arabic would put the percent sign before it
    figure.textContent = value;
    plot.current = i;
    plot.isRead = isRead;
    plot.setAttribute("aria-valuenow", i + 1);
    const key = plot.parentElement.querySelectorAll("thead th")[2]?.textContent;
    const figures = key ? `${value}, ${key} ${drawdown}` : value;
    plot.setAttribute("aria-valuetext", `${name}: ${figures}`);
    plot.classList.toggle("read", isRead);
    tip.hidden = !isRead;
    tip.replaceChildren(`${name}: `, figure);
    if (key) {
      const fall = document.createElement("bdi");
      fall.textContent = drawdown;
      tip.append(document.createElement("br"), `${key} `, fall);
    }
    // Above the point, or below it where there is no room.
    tip.style.top = `${y > tip.offsetHeight + 12 ? y - tip.offsetHeight - 12 : y + 12}px`;
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

  function prepareAll() {
    root.querySelectorAll(".plot").forEach(prepare);
  }

  root.addEventListener("refreshed", prepareAll);
  prepareAll();
})();
