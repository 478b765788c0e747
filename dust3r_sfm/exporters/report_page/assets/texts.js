// Elements, texts and figures. Texts only ever become text nodes, whatever they hold.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

/** What cannot be seen, or turns what follows around, is written out: a file name may hold anything. */
function shown(text) {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]/gu,
    (mark) => `\\u${mark.codePointAt(0).toString(16).padStart(4, "0")}`);
}

/** An element with a class and children; strings become text. */
function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.map((child) => (typeof child === "string" ? shown(child) : child)));
  return element;
}

/** An SVG element with attributes, and a tooltip if there is one. */
function draw(tag, attributes, tooltip) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (tooltip) {
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = shown(tooltip);
    element.append(title);
  }
  return element;
}

const missing = "–";
const fixed = (value, digits) => (value === null || value === undefined ? missing : value.toFixed(digits));
const precise = (value, digits = 2) =>
  value === null || value === undefined ? missing : String(Number(value.toPrecision(digits)));
const percent = (value, digits = 0) =>
  value === null || value === undefined ? missing : `${(100 * value).toFixed(digits)} %`;
const whole = (value) => value.toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
const several = (count, word) => `${whole(count)} ${count === 1 ? word : word + "s"}`;

function duration(seconds) {
  if (seconds < 99.5) return `${seconds < 9.95 ? seconds.toFixed(1) : seconds.toFixed(0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** A colour of the page's style, which differs between light and dark. */
const styleColor = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Which photo the reader looks at; listeners hear of a new one (an index in the report's images). */
const selection = {
  photo: null,
  listeners: [],
  choose(photo) {
    this.photo = photo === this.photo ? null : photo;
    for (const listener of this.listeners) listener(this.photo);
  },
};
