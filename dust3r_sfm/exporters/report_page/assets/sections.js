// What the page says in words and tables, from report.json's figures.

const VERDICTS = {
  proved: ["Proved", "Poses can be relied on; the table of cameras says how exactly each is known."],
  weak: ["Weak", "Poses hold together, but something rests on a guess. Use the model with care."],
  unchecked: ["Unchecked", "There were no matches to check the poses by. Look at the cloud before you rely on them."],
};

function showVerdict() {
  data.report.scenes.forEach((scene, number) => {
    const [word, meaning] = VERDICTS[scene.verdict];
    const which = data.report.scenes.length > 1 ? `Scene ${number + 1} (${several(scene.images, "photo")}): ` : "";
    byId("verdict").append(make("p", `callout ${scene.verdict}`, make("b", "", `${which}${word}`),
      ` – ${scene.verdict_reason}. ${meaning}`));
  });
  if (data.report.scenes.length > 1) {
    byId("verdict").append(make("p", "quiet",
      "Nothing joins these scenes: each has a world and a size of its own. Photos in between would join them."));
  }
}

function showTotals() {
  const { totals, scenes, run } = data.report;
  const sum = (key) => scenes.reduce((total, scene) => total + scene[key], 0);
  const tiles = [
    ["Photos placed", `${whole(totals.images_posed)} of ${whole(totals.images)}`],
    ["Scenes", whole(totals.scenes)],
    ["Points of the model", whole(sum("points"))],
    ["Reprojection error", scenes[0].mean_reprojection_error_px === null ? missing : `${fixed(scenes[0].mean_reprojection_error_px, 2)} px`],
    ["Time", duration(Object.values(run.stage_seconds).reduce((total, value) => total + (value ?? 0), 0))],
    ["Memory", run.peak_memory_mib === null ? missing : `${(run.peak_memory_mib / 1024).toFixed(1)} GiB`],
  ];
  byId("totals").append(...tiles.map(([term, value]) => make("div", "", make("dt", "", term), make("dd", "", value))));
}

function picture(photo, kind, alternative) {
  const source = data.pictures[photo]?.[kind];
  if (!source) return make("span", "none");
  const image = make("img", "");
  image.src = source;
  image.alt = alternative;
  image.decoding = "async";
  return image;
}

const triple = (photo) => make("div", "triple", picture(photo, "photo", "The photo"),
  picture(photo, "depth", "Its depth"), picture(photo, "confidence", "Its confidence"));

function showLeftOut() {
  const rows = data.report.images.flatMap((image, index) => image.scene !== null ? [] : [
    make("tr", "", make("td", "name", ...(data.pictures[index] ? [picture(index, "photo", "The photo")] : []), make("span", "", image.name)),
      make("td", "", image.reason), make("td", "", data.advice[index] ?? ""))]);
  if (!rows.length) return;
  byId("left-out").hidden = false;
  byId("left-out-summary").textContent =
    `${several(rows.length, "file")} of ${whole(data.report.totals.images)} ${rows.length === 1 ? "has" : "have"} no place in the model.`;
  byId("left-out").querySelector("tbody").append(...rows);
}

function showGallery() {
  const placed = data.report.images.flatMap((image, index) => (image.scene === null ? [] : [index]));
  const pictured = placed.filter((index) => data.pictures[index]);
  for (const index of pictured) {
    const figure = make("figure", "", triple(index), make("figcaption", "", make("b", "", `${index + 1}  ${data.report.images[index].name}`),
      `${percent(data.report.images[index].confident_depth_share)} with confident depth`));
    figure.dataset.photo = index;
    figure.addEventListener("click", () => selection.choose(index));
    byId("gallery").append(figure);
  }
  if (pictured.length < placed.length) {
    byId("gallery-note").textContent = `${whole(pictured.length)} of ${whole(placed.length)} photos, to keep this file small; depth/ has all.`;
  }
}

const COLUMNS = [
  ["#", (image, index) => index + 1, String],
  ["Photo", (image) => image.name],
  ["Scene", (image) => image.scene + 1, String],
  ["Focal px", (image) => image.focal_px[0], (value, image) => image.focal_px.map((focal) => fixed(focal, 1)).filter((text, k, all) => k === 0 || text !== all[0]).join(" × ")],
  ["Observations", (image) => image.observations, whole],
  ["Error px", (image) => image.mean_reprojection_error_px, (value) => fixed(value, 2)],
  ["Witnesses", (image) => image.witnesses, (value) => (value ?? missing).toString()],
  ["Agreeing", (image) => image.agreeing_share, (value) => percent(value)],
  ["Rotation °", (image) => image.rotation_std_deg, (value) => precise(value)],
  ["Centre", (image) => image.centre_std, (value) => precise(value)],
  ["Focal ±", (image) => image.focal_std, (value) => percent(value, 2)],
  ["Depth", (image) => image.confident_depth_share, (value) => percent(value)],
];

function cameraRow(image, index) {
  const row = make("tr", "pick", ...COLUMNS.map(([title, value, text]) =>
    title === "Photo" ? make("td", "name", make("span", "", image.name)) : make("td", "number", text(value(image, index), image))));
  row.dataset.photo = index;
  row.addEventListener("click", () => selection.choose(index));
  return row;
}

function showCameras() {
  const images = data.report.images.flatMap((image, index) => (image.scene === null ? [] : [[image, index]]));
  const rows = new Map(images.map(([image, index]) => [index, cameraRow(image, index)]));
  const body = byId("cameras").querySelector("tbody");
  const heads = COLUMNS.map(([title, value]) => {
    const button = make("button", "", title);
    const head = make("th", title === "Photo" ? "" : "number", button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const sorted = [...images].sort(([a, i], [b, j]) => {
        const [x, y] = [value(a, i) ?? Infinity, value(b, j) ?? Infinity];
        return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
      });
      body.replaceChildren(...sorted.map(([, index]) => rows.get(index)));
    });
    return head;
  });
  byId("cameras").querySelector("thead tr").append(...heads);
  body.append(...rows.values());
}

function covarianceTable(values) {
  const rows = Array.from({ length: 6 }, (_, r) => make("tr", "", ...values.slice(6 * r, 6 * r + 6).map((value) => make("td", "number", value.toExponential(2)))));
  return make("details", "", make("summary", "", "Covariance of its pose"),
    make("p", "quiet", "Of a small turn (radians) and shift (world units) along the camera's axes."), make("div", "scroll", make("table", "", make("tbody", "", ...rows))));
}

function showSelected(photo) {
  for (const element of document.querySelectorAll("[data-photo]:not(circle)")) {
    element.classList.toggle("chosen", Number(element.dataset.photo) === photo);
  }
  byId("selected").hidden = photo === null;
  if (photo === null) return;
  const image = data.report.images[photo];
  const said = image.scene === null ? [make("p", "", `Left out: ${image.reason}`)] : [
    make("p", "quiet", `Photo ${photo + 1}, scene ${image.scene + 1}. ${several(image.observations, "observation")}, ` +
      `${fixed(image.mean_reprojection_error_px, 2)} px off on average.`),
    ...(image.covariance ? [covarianceTable(image.covariance)] : [])];
  const close = make("button", "close", "✕");
  close.setAttribute("aria-label", "Close");
  close.addEventListener("click", () => selection.choose(photo));
  byId("selected").replaceChildren(close, make("h3", "", image.name), ...(data.pictures[photo] ? [triple(photo)] : []), ...said);
}

function showStages() {
  data.report.scenes.forEach((scene, number) => {
    const of = data.report.scenes.length > 1 ? ` of scene ${number + 1}` : "";
    const errors = scene.robust_error_before_px === null ? "" :
      ` (robust error ${fixed(scene.robust_error_before_px, 3)} px before, ${fixed(scene.robust_error_after_px, 3)} px after)`;
    byId("stages").append(make("h3", "", `Steps${of}`),
      make("p", "quiet", `Bundle adjustment: ${scene.bundle_adjustment}${errors}. A unit of length is ${scene.unit}.`));
    if (!scene.stages.length) return;
    const rows = scene.stages.map((stage) => make("tr", "", make("td", "", stage.name),
      make("td", "number", `${precise(stage.median_residual, 3)}`), make("td", "", stage.unit)));
    byId("stages").append(make("div", "scroll", make("table", "",
      make("thead", "", make("tr", "", make("th", "", "Step"), make("th", "number", "Median residual"), make("th", "", "Unit"))),
      make("tbody", "", ...rows))));
  });
}

function showRun() {
  const { run } = data.report;
  const facts = [["Regressor", run.regressor || missing],
    ["Most memory", run.peak_memory_mib === null ? missing : `${whole(Math.round(run.peak_memory_mib))} MiB`], ...Object.entries(run.versions)];
  byId("facts").append(...facts.flatMap(([term, value]) => [make("dt", "", term), make("dd", "", value)]));
  byId("command").textContent = run.command ? shown(run.command) : "called from Python";
}

for (const show of [showVerdict, showTotals, showLeftOut, showGallery, showCameras, showPairs, showHistograms, showStages, showTimes, showRun]) show();
selection.listeners.push(showSelected);
showView();
