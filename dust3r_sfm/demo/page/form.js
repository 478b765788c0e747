// The form: its defaults come from the server, and fields that mean nothing to the choice are not shown.
const form = document.getElementById("form");

export function fillForm(about) {
  for (const name of about.regressors) {
    form.elements.regressor.add(new Option(name.split("/").at(-1), name));
  }
  for (const [name, value] of Object.entries(about.defaults)) {
    const field = form.elements[name];
    if (field === undefined || name === "reference") continue;
    if (field.type === "checkbox") field.checked = value;
    else field.value = value;
  }
  form.addEventListener("change", showWhatApplies);
  showWhatApplies();
}

export function showWhatApplies() {
  for (const part of form.querySelectorAll("[data-for]")) {
    part.hidden = !part.dataset.of.split(" ").includes(form.elements[part.dataset.for].value);
  }
}

export function offerPhotos(names, isVideo) {
  const field = form.elements.reference;
  const chosen = field.value;
  field.replaceChildren(...names.map((name, index) => new Option(name, index)));
  if (chosen !== "" && Number(chosen) < names.length) field.value = chosen;
  for (const part of form.querySelectorAll("[data-video]")) part.hidden = !isVideo;
}

export function formOptions() {
  const options = {};
  for (const field of form.elements) {
    if (!field.name) continue;
    if (field.type === "checkbox") options[field.name] = field.checked;
    else if (field.type === "number" || field.name === "reference") options[field.name] = Number(field.value);
    else options[field.name] = field.value;
  }
  return options;
}
