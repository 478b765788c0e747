// A run as its server tells it: every state is told whole, so that a lost connection loses nothing.
import { offerPhotos } from "./form.js";
import { hideResult, showResult } from "./result.js";

const part = (id) => document.getElementById(id);

export const size = (bytes) => bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;

export async function ask(path, options) {
  const answer = await fetch(path, options);
  const value = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(value.error);
  return value;
}

export async function begin() {
  // A page that is loaded again goes on with what it had.
  const kept = sessionStorage.getItem("job");
  if (kept !== null && await exists(kept)) return new Job(kept);
  const made = await ask("/api/jobs", { method: "POST" });
  sessionStorage.setItem("job", made.id);
  return new Job(made.id);
}

const exists = async (id) => (await fetch(`/api/jobs/${id}`)).ok;

class Job {
  constructor(id) {
    this.id = id;
    this.shown = null;
    const events = new EventSource(`/api/jobs/${id}/events`);
    events.onmessage = (event) => this.show(JSON.parse(event.data));
    events.onerror = () => this.lost(events);
  }

  async lost(events) {
    if (events.readyState !== EventSource.CLOSED) {
      part("status").textContent = "The connection to the server is lost; trying again";
      return;
    }
    say("What you had here is gone, or the server is. Load the page again.");
  }

  async start(options) {
    say(null);
    try {
      await ask(`/api/jobs/${this.id}/run`, { method: "POST", body: JSON.stringify(options) });
    } catch (error) {
      say(error.message);
    }
  }

  stop() {
    part("stop").disabled = true;
    return ask(`/api/jobs/${this.id}/stop`, { method: "POST" }).catch((error) => say(error.message));
  }

  clear() {
    return ask(`/api/jobs/${this.id}/uploads`, { method: "DELETE" }).catch((error) => say(error.message));
  }

  show(state) {
    showUploads(state);
    showProgress(state);
    const busy = state.status === "queued" || state.status === "running";
    part("run").disabled = busy || state.photos.length === 0;
    part("stop").hidden = !busy;
    part("stop").disabled = false;
    if (state.status !== this.shown) {
      if (state.status === "done") showResult(this.id, state.summary);
      else hideResult();
      say(state.status === "failed" ? state.error : null);
    }
    this.shown = state.status;
  }
}

function say(text) {
  part("problem").hidden = text === null;
  part("problem").textContent = text ?? "";
}

function showUploads(state) {
  const isVideo = state.is_video;
  const photos = state.photos.length;
  if (photos > 0) {
    part("uploaded").textContent = isVideo ? state.photos[0] : `${photos} photo${photos === 1 ? "" : "s"}`;
  } else {
    part("uploaded").textContent = "Nothing is here yet: two photos or more of one scene that overlap, or one video.";
  }
  part("clear").hidden = photos === 0 && state.num_masks === 0;
  part("masked").textContent = state.num_masks === 0 ? "" : `${state.num_masks} masks`;
  offerPhotos(isVideo ? [] : state.photos, isVideo);
}

function showProgress(state) {
  part("progress").hidden = state.status === "new" || (state.status === "done" && state.notes.length === 0);
  part("status").textContent = statusText(state);
  const stage = state.stage;
  part("stage").hidden = state.status !== "running";
  if (stage !== null && stage.total > 1) {
    part("stage").max = stage.total;
    part("stage").value = stage.done;
  } else {
    part("stage").removeAttribute("value");
  }
  part("rate").textContent = stage === null ? "" : rateText(stage);
  fill("stages", [...new Set(state.done_stages)]);
  fill("notes", state.notes);
}

function statusText(state) {
  if (state.status === "queued") {
    return state.place === 0 ? "Next in the queue" : `In the queue: ${state.place} before this one`;
  }
  if (state.status === "running") return state.stage === null ? "Starting" : state.stage.label;
  return { new: "", done: "Done", failed: "Failed", stopped: "Stopped; nothing of it is kept" }[state.status];
}

function rateText(stage) {
  let text = `${stage.done} of ${stage.total} ${stage.unit}`;
  if (stage.rate !== null) {
    const single = stage.unit.replace(/s$/, "");
    text += stage.rate >= 1 ? `, ${stage.rate.toFixed(1)} ${stage.unit}/s` : `, ${(1 / stage.rate).toFixed(1)} s/${single}`;
  }
  if (stage.left_s !== null && stage.left_s >= 1) text += `, ${time(stage.left_s)} left`;
  return text;
}

const time = (seconds) => seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;

function fill(id, lines) {
  part(id).replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    return item;
  }));
}
