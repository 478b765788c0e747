// Files go to the server one after another, each as it is; what is refused is said, and does not stop the rest.
import { size } from "./run.js";

const refused = document.getElementById("refused");
const bar = document.getElementById("upload");

export function listenForFiles(job, about) {
  const drop = document.getElementById("drop");
  for (const [id, kind] of [["files", "photos"], ["masks", "masks"]]) {
    const input = document.getElementById(id);
    input.disabled = false;
    input.addEventListener("change", async () => {
      await sendAll(job, kind, [...input.files], about);
      input.value = "";
    });
  }
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") sendAll(job, "photos", [...event.dataTransfer.files], about);
    });
  }
  document.getElementById("clear").addEventListener("click", async () => {
    refused.replaceChildren();
    await job.clear();
  });
}

async function sendAll(job, kind, files, about) {
  refused.replaceChildren();
  files.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  bar.max = files.length;
  bar.value = 0;
  bar.hidden = files.length === 0;
  for (const file of files) {
    const why = await send(job, kind, file, about);
    if (why !== null) {
      const line = document.createElement("li");
      line.textContent = why;
      refused.append(line);
    }
    bar.value += 1;
  }
  bar.hidden = true;
}

async function send(job, kind, file, about) {
  if (file.size > about.max_file_bytes) return `${file.name}: is larger than ${size(about.max_file_bytes)}`;
  try {
    const name = encodeURIComponent(file.name);
    const answer = await fetch(`/api/jobs/${job.id}/${kind}?name=${name}`, { method: "PUT", body: file });
    return answer.ok ? null : (await answer.json()).error;
  } catch {
    return `${file.name}: the connection was lost, or the server refused it while it came`;
  }
}
