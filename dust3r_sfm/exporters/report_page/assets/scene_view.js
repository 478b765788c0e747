// The 3D view: one scene at a time, its points and a pyramid for each camera.

const FRUSTUM = [[0, 1], [0, 2], [0, 3], [0, 4], [1, 2], [2, 3], [3, 4], [4, 1]];

class SceneView {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.orbit = new Orbit(canvas, () => this.redraw(), (event) => this.pick(event));
    this.unpacked = new Map();
    for (const id of ["point-size", "camera-size"]) byId(id).addEventListener("input", () => this.redraw());
    byId("whole-view").addEventListener("click", () => this.orbit.start(this.cameras));
    selection.listeners.push((photo) => this.follow(photo));
    new ResizeObserver(() => this.redraw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  show(number) {
    this.number = number;
    if (!this.unpacked.has(number)) this.unpacked.set(number, unpackPoints(data.scenes[number]));
    this.points = this.unpacked.get(number);
    this.cameras = data.scenes[number].cameras;
    this.photos = data.report.images.flatMap((image, index) => (image.scene === number ? [index] : []));
    for (const button of byId("scene-choice").children) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.scene) === number));
    }
    const [shown, all] = [this.points.colors.length, data.scenes[number].cloud_points];
    byId("view-note").textContent = `${several(this.photos.length, "camera")}, ` +
      (shown < all ? `${whole(shown)} of the cloud's ${several(all, "point")}; points.ply has all of them.` : `${several(all, "point")}.`);
    this.orbit.start(this.cameras);
  }

  /** Shows the scene of a photo that was chosen. */
  follow(photo) {
    const scene = photo === null ? null : data.report.images[photo].scene;
    if (scene !== null && scene !== this.number) this.show(scene);
    this.redraw();
  }

  redraw() {
    if (!this.points || this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.paint();
    });
  }

  paint() {
    const { canvas, context } = this;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.round(side * ratio));
    if (!width || !height) return;
    if (!this.raster || canvas.width !== width || canvas.height !== height) {
      [canvas.width, canvas.height] = [width, height];
      this.raster = new Raster(width, height);
    }
    const eye = this.orbit.eye(width, height);
    this.raster.clear(styleColor("--canvas"));
    this.raster.drawPoints(this.points, eye, 0.003 * Number(byId("point-size").value));
    context.putImageData(this.raster.image, 0, 0);
    this.paintCameras(eye, ratio);
  }

  paintCameras(eye, ratio) {
    const size = Number(byId("camera-size").value);
    if (!size) return;
    for (const chosen of [false, true]) {
      this.context.strokeStyle = styleColor(chosen ? "--accent" : "--camera");
      this.context.lineWidth = (chosen ? 3 : 1.3) * ratio;
      this.context.beginPath();
      this.cameras.forEach((camera, row) => {
        if ((this.photos[row] === selection.photo) === chosen) this.tracePyramid(camera, size, eye);
      });
      this.context.stroke();
    }
  }

  tracePyramid(camera, size, eye) {
    const ends = [0, 1, 2, 3, 4].map((end) =>
      this.project([0, 1, 2].map((k) => camera[k] + (end && size * (camera[3 * end + k] - camera[k]))), eye));
    if (ends.includes(null)) return;
    for (const [from, to] of FRUSTUM) {
      this.context.moveTo(...ends[from]);
      this.context.lineTo(...ends[to]);
    }
  }

  /** Pixels of the canvas, or null behind the eye. */
  project(point, eye) {
    const from = point.map((value, k) => value - eye.target[k]);
    const along = (axis) => axis[0] * from[0] + axis[1] * from[1] + axis[2] * from[2];
    const depth = eye.distance - along(eye.back);
    if (depth < 0.01) return null;
    const scale = eye.focal / depth;
    return [this.canvas.width / 2 + scale * along(eye.right), this.canvas.height / 2 - scale * along(eye.up)];
  }

  /** Chooses the photo whose pyramid is nearest to the click, if one is near. */
  pick(event) {
    const { canvas } = this;
    const box = canvas.getBoundingClientRect();
    const ratio = canvas.width / box.width;
    const at = [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
    const eye = this.orbit.eye(canvas.width, canvas.height);
    let [nearest, least] = [null, 18 * ratio];
    this.cameras.forEach((camera, row) => {
      const centre = this.project(camera.slice(0, 3), eye);
      const away = centre ? Math.hypot(centre[0] - at[0], centre[1] - at[1]) : Infinity;
      if (away < least) [nearest, least] = [this.photos[row], away];
    });
    if (nearest !== null) selection.choose(nearest);
  }
}

function showView() {
  const view = new SceneView(byId("canvas"));
  if (data.scenes.length > 1) {
    data.report.scenes.forEach((scene, number) => {
      const button = make("button", "", `Scene ${number + 1} (${several(scene.images, "photo")})`);
      button.type = "button";
      button.dataset.scene = number;
      button.addEventListener("click", () => view.show(number));
      byId("scene-choice").append(button);
    });
  }
  view.show(0);
}
