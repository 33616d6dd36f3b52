"use strict";
// The page can be read without this script. It sorts, filters, opens the target of a link, and remembers the colours.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const kept = {
    get: () => { try { return localStorage.getItem("genbench-theme") || ""; } catch { return ""; } },
    set: (value) => { try { localStorage.setItem("genbench-theme", value); } catch { /* a page from a file may not */ } },
  };

  // Colours
  const paint = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    for (const button of all("[data-theme-is]")) button.setAttribute("aria-pressed", String(button.dataset.themeIs === theme));
  };
  paint(kept.get());
  for (const button of all("[data-theme-is]")) {
    button.addEventListener("click", () => { paint(button.dataset.themeIs); kept.set(button.dataset.themeIs); });
  }
  for (const group of all(".theme")) group.hidden = false;

  // Sorting: rows without a value come last, and kinds of likelihood stay apart, in both directions.
  const sort = (head) => {
    const table = head.closest("table"), body = table.tBodies[0], column = head.cellIndex;
    const numbers = head.dataset.numbers === "yes";
    const first = head.dataset.better === "higher" ? "descending" : "ascending";
    const now = head.getAttribute("aria-sort");
    const way = !now || now === "none" ? first : now === "ascending" ? "descending" : "ascending";
    for (const other of all("[aria-sort]", table)) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", way);
    const sign = way === "ascending" ? 1 : -1;
    const rows = [...body.rows].map((row, place) => {
      const cell = row.cells[column], key = cell.dataset.key ?? "";
      return { row, place, none: key === "", kind: Number(cell.dataset.kind ?? 0), key: numbers ? Number(key) : key };
    });
    rows.sort((a, b) => a.none - b.none || (a.none ? 0 : a.kind - b.kind) ||
      (a.none ? 0 : sign * (numbers ? a.key - b.key : a.key.localeCompare(b.key, undefined, { numeric: true }))) ||
      a.place - b.place);
    body.append(...rows.map(({ row }) => row));
  };
  for (const head of all(".board thead th")) {
    const label = head.querySelector(".sort"), button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...label.childNodes);
    label.replaceWith(button);
    button.addEventListener("click", () => sort(head));
  }

  // A table that is as wide as its box needs no scrolling of its own, and its heading sticks to the window.
  const fit = () => {
    for (const box of all(".scroll.tall")) {
      box.classList.remove("fits");
      box.classList.toggle("fits", box.scrollWidth <= box.clientWidth);
    }
  };
  addEventListener("resize", fit);
  document.addEventListener("change", fit);
  fit();

  // Filtering
  const filters = document.querySelector(".filters"), form = filters?.querySelector("form");
  if (form) {
    const rows = all("[data-sheet] .board tbody tr");
    const show = () => {
      const asked = form.elements, text = asked.model.value.trim().toLowerCase();
      let count = 0;
      for (const row of rows) {
        const fits = row.dataset.model.toLowerCase().includes(text) &&
          (!asked.family.value || row.dataset.family === asked.family.value) &&
          (!asked.dataset.value || row.dataset.dataset === asked.dataset.value) &&
          (asked.controls.checked || row.dataset.role === "model");
        row.hidden = !fits;
        count += fits;
      }
      for (const sheet of all("[data-sheet]")) sheet.hidden = !sheet.querySelector("tbody tr:not([hidden])");
      form.querySelector(".count").textContent = `${count} of ${rows.length} rows`;
    };
    filters.hidden = false;
    form.addEventListener("input", show);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(show));
    show(); // a browser that goes back fills in the earlier filter
  }

  // Pairs of coordinates: the point under the mouse, or selected by arrow keys, is marked in all panels, and its numbers
  // are shown beside the diagonal.
  const made = (within, name, facts) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(facts)) element.setAttribute(key, value);
    return within.appendChild(element);
  };
  for (const svg of all("svg[data-pairs]")) {
    const { names, low, high, size, sets } = JSON.parse(svg.dataset.pairs);
    const points = sets.flatMap(({ name, values }, set) => values.map((at) => ({ name, at, look: set ? "f0" : "truth" })));
    const panels = all("g[data-x]", svg).map((group) => ({ group, x: Number(group.dataset.x), y: Number(group.dataset.y) }));
    const along = (at, k) => size * (at[k] - low[k]) / (high[k] - low[k]);
    const place = ({ x, y }, { at }) => [along(at, x), size - along(at, y)];
    const inside = (where) => where.every((end) => end >= 0 && end <= size);
    const spoken = document.createElement("output");
    spoken.className = "unseen";
    svg.after(spoken);
    svg.tabIndex = 0;
    let marks = [], now = -1;
    const show = (index) => {
      for (const mark of marks) mark.remove();
      [marks, now] = [[], index];
      if (!points[index]) return;
      const { name, at, look } = points[index];
      for (const panel of panels) {
        const [cx, cy] = place(panel, points[index]);
        if (inside([cx, cy])) marks.push(made(panel.group, "circle", { class: `marked ${look}`, cx, cy, r: 4.5 }));
      }
      const x = svg.viewBox.baseVal.width - 8;
      [name, ...names.map((label, k) => `${label}: ${at[k]}`)].forEach((text, line) => {
        const said = made(svg, "text", { class: line ? "said" : "said head", "text-anchor": "end", x, y: 22 + 17 * line });
        said.textContent = text;
        marks.push(said);
      });
    };
    const point = (event) => {
      let nearest = -1, least = 10 ** 2; // units around a point
      for (const panel of panels) {
        const here = new DOMPoint(event.clientX, event.clientY).matrixTransform(panel.group.getScreenCTM().inverse());
        if (!inside([here.x, here.y])) continue;
        points.forEach((one, index) => {
          const where = place(panel, one), far = (where[0] - here.x) ** 2 + (where[1] - here.y) ** 2;
          if (far < least && inside(where)) [nearest, least] = [index, far];
        });
      }
      if (nearest !== now) show(nearest);
    };
    svg.addEventListener("pointermove", point);
    svg.addEventListener("pointerdown", point);
    svg.addEventListener("pointerleave", () => show(-1));
    svg.addEventListener("blur", () => show(-1));
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      show((Math.max(now, step > 0 ? -1 : 0) + step + points.length) % points.length);
      spoken.textContent = marks.filter((mark) => mark.tagName === "text").map((mark) => mark.textContent).join(", ");
    });
  }

  // Links: open all closed parts around the target, and go there.
  const land = () => {
    let id = "";
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const place = id && document.getElementById(id);
    if (!place) return;
    for (let box = place; box; box = box.parentElement) if (box.tagName === "DETAILS") box.open = true;
    (place.closest("details.entry") ?? place).scrollIntoView();
    if (place.tabIndex === -1) place.focus({ preventScroll: true });
  };
  addEventListener("hashchange", land);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    if (link && link.getAttribute("href") === location.hash) land(); // no hashchange: it was closed by hand
  });
  land();
})();
