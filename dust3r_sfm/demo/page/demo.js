// The page: it asks this server alone, and puts whatever it is told into place as text.
import { ask, begin } from "./run.js";
import { fillForm, formOptions } from "./form.js";
import { listenForFiles } from "./uploads.js";

const about = await ask("/api/about");
fillForm(about);
const job = await begin();
listenForFiles(job, about);

document.getElementById("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  await job.start(formOptions());
});
document.getElementById("stop").addEventListener("click", () => job.stop());
