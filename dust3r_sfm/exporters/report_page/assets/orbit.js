// The eye of the 3D view, and how mouse, fingers and keys move it.

class Orbit {
  constructor(canvas, changed, clicked) {
    this.canvas = canvas;
    this.changed = changed;
    this.clicked = clicked;
    this.pointers = new Map();
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.release(event));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015)));
    }, { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  /** Stands behind the cameras' middle and looks at the scene's; beside the first camera if they are all around. */
  start(cameras) {
    const middle = [0, 1, 2].map((k) => cameras.map((camera) => camera[k]).sort((a, b) => a - b)[cameras.length >> 1]);
    const [x, y, z] = Math.hypot(...middle) > 0.15 ? middle : cameras[0];
    this.target = [0, 0, 0];
    this.yaw = Math.atan2(x, z) + 0.25;
    this.pitch = Math.max(-0.2, Math.min(0.9, Math.atan2(y, Math.hypot(x, z)) + 0.15));
    this.distance = 2.1;
    this.changed();
  }

  /** Axes of the view in the page's frame, and `focal`: pixels that one unit is at a distance of one. */
  eye(width, height) {
    const [sy, cy, sp, cp] = [Math.sin(this.yaw), Math.cos(this.yaw), Math.sin(this.pitch), Math.cos(this.pitch)];
    return {
      right: [cy, 0, -sy], up: [-sy * sp, cp, -cy * sp], back: [sy * cp, sp, cy * cp],
      target: this.target, distance: this.distance, focal: 1.25 * Math.min(width, height * 1.2),
    };
  }

  turn(dx, dy) {
    this.yaw -= dx;
    this.pitch = Math.max(-1.5, Math.min(1.5, this.pitch + dy));
    this.changed();
  }

  /** By pixels of the page. */
  move(dx, dy) {
    const eye = this.eye(this.canvas.clientWidth, this.canvas.clientHeight);
    const step = this.distance / eye.focal;
    this.target = this.target.map((value, k) => value - step * (dx * eye.right[k] - dy * eye.up[k]));
    this.changed();
  }

  zoom(factor) {
    this.distance = Math.max(0.05, Math.min(20, this.distance * factor));
    this.changed();
  }

  press(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    this.travelled = this.pointers.size > 1 ? Infinity : 0;
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    this.travelled += Math.hypot(dx, dy);
    if (this.pointers.size === 2) this.pinch(event.pointerId, before, now);
    else if (event.shiftKey || event.buttons & 6) this.move(dx, dy);
    else this.turn(dx * 0.007, dy * 0.007);
    this.pointers.set(event.pointerId, now);
  }

  /** Two fingers: their middle moves, their distance zooms. */
  pinch(id, before, now) {
    const [, other] = [...this.pointers].find(([pointer]) => pointer !== id);
    const apart = (point) => Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
    this.move((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    this.zoom(apart(before) / apart(now));
  }

  release(event) {
    if (this.pointers.delete(event.pointerId) && event.type === "pointerup" && this.travelled < 5) this.clicked(event);
  }

  key(event) {
    const step = 0.12;
    const actions = {
      ArrowLeft: () => this.turn(step, 0), ArrowRight: () => this.turn(-step, 0),
      ArrowUp: () => this.turn(0, step), ArrowDown: () => this.turn(0, -step),
      "+": () => this.zoom(1 / 1.15), "=": () => this.zoom(1 / 1.15), "-": () => this.zoom(1.15),
    };
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  }
}
