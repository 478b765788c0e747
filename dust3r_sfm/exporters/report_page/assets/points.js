// Points drawn one by one with a depth buffer: no graphics card, no library, the same picture everywhere.

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** Positions (x, y, z in the page's frame) and colours (ready for ImageData) of a scene's points. */
function unpackPoints(scene) {
  const bytes = bytesOf(scene.points);
  const coordinates = new DataView(bytes.buffer);
  const xyz = new Float32Array(bytes.length / 2);
  for (let k = 0; k < xyz.length; k++) {
    xyz[k] = scene.span * (coordinates.getUint16(2 * k, true) / 32767.5 - 1);
  }
  const rgb = bytesOf(scene.colors);
  const colors = new Uint8ClampedArray((rgb.length / 3) * 4).fill(255);
  for (let k = 0; k < rgb.length / 3; k++) colors.set(rgb.subarray(3 * k, 3 * k + 3), 4 * k);
  return { xyz, colors: new Uint32Array(colors.buffer) };
}

/** A picture in memory with the depth of each pixel. */
class Raster {
  constructor(width, height) {
    this.image = new ImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.depth = new Float32Array(width * height);
  }

  /** `color` as #rrggbb. */
  clear(color) {
    const bytes = [1, 3, 5].map((k) => parseInt(color.slice(k, k + 2), 16));
    this.pixels.fill(new Uint32Array(new Uint8ClampedArray([...bytes, 255]).buffer)[0]);
    this.depth.fill(Infinity);
  }

  /** Squares, `size` wide in the page's frame. `eye`: see `Orbit.eye`. */
  drawPoints({ xyz, colors }, eye, size) {
    const { width, height } = this.image;
    const { right: r, up: u, back: b, target: t, distance, focal } = eye;
    for (let k = 0, n = colors.length; k < n; k++) {
      const x = xyz[3 * k] - t[0], y = xyz[3 * k + 1] - t[1], z = xyz[3 * k + 2] - t[2];
      const depth = distance - (b[0] * x + b[1] * y + b[2] * z);
      if (depth < 0.01) continue;
      const scale = focal / depth;
      const side = Math.max(1, Math.min(12, Math.round(size * scale)));
      const left = Math.round(width / 2 + scale * (r[0] * x + r[1] * y + r[2] * z) - side / 2);
      const top = Math.round(height / 2 - scale * (u[0] * x + u[1] * y + u[2] * z) - side / 2);
      if (left < 0 || top < 0 || left + side > width || top + side > height) continue;
      for (let row = top; row < top + side; row++) {
        for (let pixel = row * width + left, end = pixel + side; pixel < end; pixel++) {
          if (depth < this.depth[pixel]) {
            this.depth[pixel] = depth;
            this.pixels[pixel] = colors[k];
          }
        }
      }
    }
  }
}
