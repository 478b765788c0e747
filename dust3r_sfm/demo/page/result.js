// What came of a run: in words, in 3D, picture by picture, and as files.
const part = (id) => document.getElementById(id);
const files = [["colmap.zip", "COLMAP (zip)"], ["nerfstudio.zip", "nerfstudio (zip)"], ["scene.glb", "GLB"], ["points.ply", "PLY"]];
let job = null;

export function hideResult() {
  part("result").hidden = true;
  part("frame").src = "about:blank";
  part("gallery").replaceChildren();
}

export async function showResult(id, summary) {
  job = id;
  part("result").hidden = false;
  part("summary").className = `callout ${summary.scenes[0].verdict}`;
  part("summary").replaceChildren(...summary.text.filter((line) => !line.startsWith("in out: ")).map((line) => {
    const item = document.createElement("p");
    item.textContent = line;
    return item;
  }));
  linkDownloads();
  openViewer();
  const answer = await fetch(`/api/jobs/${id}/photos`);
  if (answer.ok) part("gallery").replaceChildren(...(await answer.json()).map(figure));
}

part("confidence").addEventListener("input", linkDownloads);
part("show-report").addEventListener("click", showReport);
part("show-viewer").addEventListener("click", openViewer);

function linkDownloads() {
  const threshold = part("confidence").value;
  part("confidence-value").textContent = threshold;
  part("downloads").replaceChildren(...files.map(([name, label]) => {
    const link = document.createElement("a");
    link.href = `/api/jobs/${job}/download/${name}?min_confidence=${threshold}`;
    link.download = name;
    link.textContent = label;
    return link;
  }));
}

function showReport() {
  press("report");
  part("frame").sandbox = "allow-scripts";
  part("frame").src = `/api/jobs/${job}/report`;
}

async function openViewer() {
  const asked = job;
  part("viewer-note").textContent = "the viewer starts";
  const answer = await fetch(`/api/jobs/${asked}/viewer`, { method: "POST" });
  if (asked !== job) return;
  const address = answer.ok ? (await answer.json()).address : null;
  part("show-viewer").disabled = address === null;
  part("viewer-note").textContent = address === null ? "pip install 'dust3r-sfm[viewer]' adds a viewer with more to choose" : "";
  if (address === null) {
    showReport();
    return;
  }
  press("viewer");
  part("frame").removeAttribute("sandbox");
  part("frame").src = address;
}

function press(which) {
  for (const name of ["viewer", "report"]) part(`show-${name}`).setAttribute("aria-pressed", name === which);
}

function figure(photo, index) {
  const made = document.createElement("figure");
  const kinds = photo.scene === null ? ["photo"] : ["photo", "depth", "confidence"];
  for (const kind of kinds) {
    const image = document.createElement("img");
    image.loading = "lazy";
    image.alt = kind === "photo" ? photo.name : `${kind} of ${photo.name}`;
    image.src = `/api/jobs/${job}/pictures/${index}/${kind}`;
    made.append(image);
  }
  const caption = document.createElement("figcaption");
  caption.textContent = photo.reason === null ? photo.name : `${photo.name}: left out, ${photo.reason}`;
  made.append(caption);
  return made;
}
