// Photos on a circle for each scene, in their order, or where they were taken if they are many; lines join those that
// were compared.

const GRAPH = { most: 5000, numbered: 120, gap: 28, smallest: 150, label: 22, flattest: 0.7 };

/** Each unordered pair once, from what was measured in its two directions. */
function mergePairs() {
  const { first, second, used, matches, residual_px, reason, reasons } = data.pairs;
  const edges = new Map();
  first.forEach((photo, k) => {
    const ends = [Math.min(photo, second[k]), Math.max(photo, second[k])];
    const key = ends.join();
    const edge = edges.get(key) ?? { ends, used: false, matches: 0, residuals: [], reason: null };
    edge.used ||= Boolean(used[k]);
    edge.matches = Math.max(edge.matches, matches[k]);
    if (used[k] && residual_px[k] !== null) edge.residuals.push(residual_px[k]);
    if (reason[k] !== null) edge.reason = reasons[reason[k]];
    edges.set(key, edge);
  });
  return [...edges.values()].map((edge) => ({ ...edge, residual: edge.residuals.length ? Math.min(...edge.residuals) : null }));
}

/** The scenes' photos, and those in none, as indices in the report's images. */
function photoGroups() {
  const groups = data.report.scenes.map((_, number) => ({ title: `Scene ${number + 1}`, photos: [], scene: number }));
  const lost = { title: "Left out", photos: [], scene: null };
  data.report.images.forEach((image, index) => (image.scene === null ? lost : groups[image.scene]).photos.push(index));
  if (lost.photos.length) groups.push(lost);
  return groups;
}

/** Places of so many on a circle, around (0, 0), and its radius. */
function onCircle(count, widest) {
  const around = Math.max(Math.min(GRAPH.smallest, 30 + 12 * count), (count * GRAPH.gap) / (2 * Math.PI));
  const radius = count === 1 ? 0 : Math.min(around, widest / 2);
  const places = Array.from({ length: count }, (_, k) => (2 * Math.PI * k) / count - Math.PI / 2)
    .map((angle) => [radius * Math.cos(angle), radius * Math.sin(angle)]);
  return { places, size: [2 * radius, 2 * radius] };
}

/** Where cameras are, seen from above, around (0, 0). */
function fromAbove(cameras, widest) {
  const spans = [0, 2].map((axis) => {
    const values = cameras.map((camera) => camera[axis]);
    const [least, most] = values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
    return { middle: (least + most) / 2, length: Math.max(most - least, 1e-6) };
  });
  const scale = Math.min(widest / spans[0].length, (GRAPH.flattest * widest) / spans[1].length);
  const places = cameras.map((camera) => [scale * (camera[0] - spans[0].middle), scale * (camera[2] - spans[1].middle)]);
  return { places, size: spans.map(({ length }) => scale * length) };
}

/** Where each photo is, with the groups side by side in rows of this width. */
function layOut(groups, width, radius, numbered) {
  const places = new Map();
  let [left, top, rowHeight, right] = [0, 0, 0, 0];
  const titles = groups.map(({ title, photos, scene }) => {
    const widest = width - 2 * (radius + 8);
    const group = numbered || scene === null ? onCircle(photos.length, widest) : fromAbove(data.scenes[scene].cameras, widest);
    const [wide, high] = group.size.map((side) => side + 2 * (radius + 8));
    const span = Math.max(wide, 90);
    if (left > 0 && left + span > width) [left, top, rowHeight] = [0, top + rowHeight, 0];
    const middle = [left + span / 2, top + GRAPH.label + high / 2];
    photos.forEach((photo, k) => places.set(photo, [middle[0] + group.places[k][0], middle[1] + group.places[k][1]]));
    const label = { title, x: middle[0], y: top + GRAPH.label / 2 };
    right = Math.max(right, left + span);
    left += span + 10;
    rowHeight = Math.max(rowHeight, high + GRAPH.label + 8);
    return label;
  });
  return { places, titles, height: top + rowHeight, right };
}

function rampColor(share) {
  const [from, to, part] = share < 0.5 ? ["--low", "--mid", 2 * share] : ["--mid", "--high", 2 * share - 1];
  return `color-mix(in oklab, var(${to}) ${Math.round(100 * Math.min(1, part))}%, var(${from}))`;
}

function pairTooltip(edge) {
  const names = edge.ends.map((photo) => data.report.images[photo].name).join(" – ");
  const fit = edge.used ? `used, median residual ${fixed(edge.residual, 2)} px` : `rejected: ${edge.reason ?? "not used"}`;
  return `${names}\n${several(edge.matches, "match").replace("matchs", "matches")}; ${fit}`;
}

function drawGraph(edges, most) {
  const groups = photoGroups();
  const numbered = data.report.images.length <= GRAPH.numbered;
  const radius = numbered ? 11 : 3;
  const width = Math.max(240, byId("graph").clientWidth);
  const { places, titles, height, right } = layOut(groups, width, radius, numbered);
  const svg = draw("svg", { width: right, height, viewBox: `0 0 ${right} ${height}`, role: "img", "aria-label": "Pair graph" });
  const drawn = edges.slice(0, GRAPH.most);
  for (const edge of [...drawn].reverse()) {
    const [[x1, y1], [x2, y2]] = edge.ends.map((photo) => places.get(photo));
    const line = draw("line", { x1, y1, x2, y2, class: edge.used ? "used" : "rejected" }, pairTooltip(edge));
    if (edge.used) {
      line.style.stroke = rampColor((edge.residual ?? 0) / most);
      line.style.strokeWidth = 1 + Math.min(3, Math.log10(1 + edge.matches / 50));
    }
    svg.append(line);
  }
  for (const { title, x, y } of titles) {
    const text = draw("text", { x, y, class: "group" });
    text.textContent = title;
    svg.append(text);
  }
  for (const [photo, [cx, cy]] of places) svg.append(...drawNode(photo, cx, cy, radius, numbered));
  byId("graph").replaceChildren(svg);
}

function drawNode(photo, cx, cy, r, numbered) {
  const image = data.report.images[photo];
  const chosen = photo === selection.photo ? " chosen" : "";
  const node = draw("circle", { cx, cy, r, class: `node${image.scene === null ? " lost" : ""}${chosen}` }, image.name);
  node.dataset.photo = photo;
  node.addEventListener("click", () => selection.choose(photo));
  if (!numbered) return [node];
  const text = draw("text", { x: cx, y: cy });
  text.textContent = photo + 1;
  return [node, text];
}

function showPairs() {
  const edges = mergePairs().sort((a, b) => b.used - a.used || b.matches - a.matches);
  const residuals = edges.flatMap((edge) => (edge.residual === null ? [] : [edge.residual])).sort((a, b) => a - b);
  const most = residuals[Math.floor(0.95 * (residuals.length - 1))] || 1;
  byId("ramp-high").textContent = `${precise(most)} px${residuals.length > 1 ? " and more" : ""}`;
  const { pairs, pairs_used } = data.report.totals;
  const unseen = Math.max(0, edges.length - GRAPH.most) + data.pairs.left_off;
  byId("pairs-summary").textContent =
    (data.report.images.length <= GRAPH.numbered ? "Each circle is a photo, by its number in the table above"
      : "Each circle is a photo where it was taken, seen from above") +
    `; lines join photos that were compared, thicker where they share more. A pair is measured from either side: ${whole(pairs_used)} of ${whole(pairs)} measurements were used.` +
    (unseen ? ` ${whole(unseen)} rejected pairs are not drawn; report.json has them.` : "");
  // Reasons that differ in a figure only are one.
  const kinds = data.pairs.reasons.map((reason) => reason.replace(/[\d.]+/g, "…"));
  const reasons = new Map();
  data.pairs.reason.forEach((k) => k !== null && reasons.set(kinds[k], (reasons.get(kinds[k]) ?? 0) + 1));
  const rows = [...reasons].sort((a, b) => b[1] - a[1]).slice(0, 12).map(([kind, count]) =>
    make("tr", "", make("td", "", kind), make("td", "number", whole(count))));
  byId("pair-reasons").hidden = !rows.length;
  byId("pair-reasons").querySelector("tbody").replaceChildren(...rows);
  byId("show-rejected").addEventListener("change", (event) =>
    byId("graph").classList.toggle("hide-rejected", !event.target.checked));
  selection.listeners.push((photo) => {
    for (const node of byId("graph").querySelectorAll("circle")) node.classList.toggle("chosen", Number(node.dataset.photo) === photo);
  });
  new ResizeObserver(() => drawGraph(edges, most)).observe(byId("graph"));
}
