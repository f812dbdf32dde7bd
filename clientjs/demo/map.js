// A world map on a canvas, equirectangular: longitude to the right, latitude up. The still part (sea, land, graticule) is
// drawn once per size and theme; the dots are drawn over a copy of it, at most once per frame of the screen.

import { oncePerFrame } from "./dom.js";
import { land } from "./land.js";

const north = 84;
const south = -66; // the empty south is cut off
const rippleMs = 1_400;
const mostRipples = 40; // above, new ones are not drawn

export class WorldMap {
  #canvas;
  #still = document.createElement("canvas");
  #colors = {};
  #dots = [];
  #ripples = []; // {lon, lat, color, since}
  #draw = oncePerFrame(() => this.#drawNow());

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#resize());
  }

  /** Shows these dots: {lon, lat, mag, status}, the large ones first, so that they hide nothing. */
  show(dots) {
    this.#dots = dots;
    this.#draw();
  }

  /** Draws attention to a place for a moment. */
  ripple({ lon, lat, status }) {
    if (this.#ripples.length >= mostRipples || document.hidden) return;
    this.#ripples.push({ lon, lat, status, since: performance.now() });
    this.#draw();
  }

  #resize() {
    const ratio = devicePixelRatio || 1;
    for (const canvas of [this.#canvas, this.#still]) {
      canvas.width = Math.round(this.#canvas.clientWidth * ratio);
      canvas.height = Math.round(this.#canvas.clientHeight * ratio);
    }
    for (const name of ["sea", "land", "coast", "grid", "automatic", "reviewed"]) {
      this.#canvas.style.color = `var(--${name})`; // a canvas has no text; its color serves to ask what the theme says
      this.#colors[name] = getComputedStyle(this.#canvas).color;
    }
    this.#drawStill();
    this.#drawNow();
  }

  #place(lon, lat) {
    const { width, height } = this.#canvas;
    return [((lon + 180) / 360) * width, ((north - lat) / (north - south)) * height];
  }

  #drawStill() {
    const pen = this.#still.getContext("2d");
    const { width, height } = this.#still;
    pen.fillStyle = this.#colors.sea;
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = this.#colors.land;
    pen.strokeStyle = this.#colors.coast;
    pen.lineJoin = "round";
    for (const outline of land) {
      pen.beginPath();
      for (const [lon, lat] of outline) pen.lineTo(...this.#place(lon, lat));
      pen.closePath();
      pen.fill();
      pen.stroke();
    }
    pen.strokeStyle = this.#colors.grid;
    pen.beginPath();
    for (let lon = -150; lon < 180; lon += 30) {
      pen.moveTo(...this.#place(lon, north));
      pen.lineTo(...this.#place(lon, south));
    }
    for (let lat = -60; lat < north; lat += 30) {
      pen.moveTo(...this.#place(-180, lat));
      pen.lineTo(...this.#place(180, lat));
    }
    pen.stroke();
  }

  #drawNow() {
    const pen = this.#canvas.getContext("2d");
    const { width, height } = this.#canvas;
    if (width === 0 || height === 0) return;
    const unit = width / 720; // sizes are for a canvas 720 wide
    pen.drawImage(this.#still, 0, 0);
    for (const { lon, lat, mag, status } of this.#dots) {
      const [x, y] = this.#place(lon, lat);
      pen.beginPath();
      pen.arc(x, y, unit * (1.5 + Math.max(0, mag) ** 1.55 * 0.45), 0, 2 * Math.PI);
      pen.globalAlpha = status === "reviewed" ? 0.4 : 0.55;
      pen.fillStyle = this.#color(status);
      pen.fill();
      pen.globalAlpha = 0.9;
      pen.lineWidth = unit * 0.7;
      pen.strokeStyle = this.#color(status);
      pen.stroke();
    }
    this.#drawRipples(pen, unit);
    pen.globalAlpha = 1;
  }

  #drawRipples(pen, unit) {
    const now = performance.now();
    this.#ripples = this.#ripples.filter(({ since }) => now - since < rippleMs);
    pen.lineWidth = unit * 1.6;
    for (const { lon, lat, status, since } of this.#ripples) {
      const grown = Math.max(0, now - since) / rippleMs;
      pen.globalAlpha = 1 - grown;
      pen.strokeStyle = this.#color(status);
      pen.beginPath();
      pen.arc(...this.#place(lon, lat), unit * (3 + 22 * grown), 0, 2 * Math.PI);
      pen.stroke();
    }
    if (this.#ripples.length > 0) this.#draw();
  }

  #color(status) {
    return status === "reviewed" ? this.#colors.reviewed : this.#colors.automatic;
  }
}
