// Histograms, and bars of times.

const PLOT = { width: 480, height: 170, foot: 22, head: 6 };

/** Bars between `edges`; `names` say what one thing is, and what is on the axis. */
function histogram(edges, counts, { thing, axis, more }) {
  const { width, height, foot, head } = PLOT;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": axis });
  const most = Math.max(...counts, 1);
  const step = width / counts.length;
  counts.forEach((count, k) => {
    const tall = ((height - foot - head) * count) / most;
    const last = more && k === counts.length - 1;
    const range = last ? `${precise(edges[k])} px and more` : `${precise(edges[k])} to ${precise(edges[k + 1])} px`;
    svg.append(draw("rect", { x: k * step + 0.5, y: height - foot - tall, width: Math.max(step - 1, 0.5), height: tall },
      `${range}: ${several(count, thing)}`));
  });
  svg.append(draw("line", { x1: 0, x2: width, y1: height - foot, y2: height - foot }));
  [0, 0.25, 0.5, 0.75, 1].forEach((share) => {
    const value = edges[0] + share * (edges[edges.length - 1] - edges[0]);
    const text = draw("text", { x: share * width, y: height - 6 });
    text.textContent = `${precise(value)}${share === 1 && more ? "+" : ""}`;
    text.style.textAnchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
    svg.append(text);
  });
  return svg;
}

function binned(values, bins) {
  const most = Math.max(...values) || 1;
  const counts = new Array(bins).fill(0);
  for (const value of values) counts[Math.min(bins - 1, Math.floor((bins * value) / most))] += 1;
  return [Array.from({ length: bins + 1 }, (_, k) => (most * k) / bins), counts];
}

function showHistograms() {
  const host = byId("histograms");
  data.scenes.forEach((scene, number) => {
    if (!scene.error_counts.length) return;
    const { mean_reprojection_error_px: mean, observations } = data.report.scenes[number];
    const of = data.scenes.length > 1 ? ` of scene ${number + 1}` : "";
    const plot = histogram(scene.error_edges, scene.error_counts, { thing: "observation", axis: "Reprojection errors in pixels", more: true });
    host.append(make("figure", "histogram", make("h3", "", `Reprojection errors${of}`), plot,
      make("p", "quiet", `${several(observations, "observation")}, on average ${fixed(mean, 2)} px off, in pixels of the photo files.`)));
  });
  const residuals = data.pairs.residual_px.filter((value, k) => value !== null && data.pairs.used[k]);
  if (residuals.length) {
    const [edges, counts] = binned(residuals, Math.min(40, Math.max(5, Math.ceil(Math.sqrt(residuals.length)))));
    const plot = histogram(edges, counts, { thing: "pair", axis: "Median residuals of pairs in pixels", more: false });
    host.append(make("figure", "histogram", make("h3", "", "Median residuals of the used pairs"), plot,
      make("p", "quiet", "Before bundle adjustment, in pixels of the resized photos.")));
  }
}

function showTimes() {
  const seconds = Object.entries(data.report.run.stage_seconds);
  const most = Math.max(...seconds.map(([, value]) => value ?? 0), 0.001);
  const total = seconds.reduce((sum, [, value]) => sum + (value ?? 0), 0);
  for (const [stage, value] of seconds) {
    const bar = make("i", "");
    bar.style.width = `${(100 * (value ?? 0)) / most}%`;
    byId("times").append(make("div", "time", make("span", "", stage), bar,
      make("span", "number", value === null ? missing : duration(value))));
  }
  byId("times").append(make("p", "quiet", `${duration(total)} in all, without reading photos and writing files.`));
}
