/* <glass-figure>: draws curves that were computed at the nodes of a grid of sliders.
 *
 * The element holds a picture, for readers without scripts, and one <script type="application/json"> in the
 * format that glasslib/live.py documents. It asks nothing of the network and nothing of other scripts.
 */
(function () {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
  let count = 0;

  function make(parent, name, attributes, text) {
    const svg = parent.namespaceURI === SVG || name === "svg";
    const node = svg ? document.createElementNS(SVG, name) : document.createElement(name);
    for (const key in attributes || {}) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    parent.appendChild(node);
    return node;
  }

  function short(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (value !== 0 && (size < 1e-3 || size >= 1e5)) {
      const [mantissa, exponent] = Number(value).toExponential(2).split("e");
      const power = "10" + superscript(Number(exponent));
      return Number(mantissa) === 1 ? power : Number(mantissa) + " × " + power;
    }
    return String(Number(value.toPrecision(4))).replace("-", "−");
  }

  function superscript(exponent) {
    return String(exponent).split("").map((c) => SUPERSCRIPT[c]).join("");
  }

  function titled(item) {
    return item.unit ? item.label + " [" + item.unit + "]" : item.label;
  }

  function linearTicks(low, high, wanted) {
    const raw = (high - low) / wanted;
    const power = Math.pow(10, Math.floor(Math.log10(raw)));
    const step = power * [1, 2, 5, 10].find((m) => m * power >= raw * 0.999);
    const ticks = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) ticks.push(k * step);
    return ticks.map((value) => ({ value, text: short(Number(value.toPrecision(6))) }));
  }

  function logTicks(low, high, wanted) {
    const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
    const stride = Math.max(1, Math.ceil((last - first + 1) / wanted));
    const at = (digits) => {
      const values = [];
      for (let e = first - 1; e <= last; e++) {
        for (const m of digits) {
          const value = m * Math.pow(10, e);
          const inside = value > low * 0.999 && value < high * 1.001;
          if (inside && (digits.length > 1 || (e - first) % stride === 0)) values.push({ e, value });
        }
      }
      return values;
    };
    const decades = at([1]);
    if (decades.length > 1) return decades.map(({ e, value }) => ({ value, text: "10" + superscript(e) }));
    const finer = [[1, 2, 5], [1, 3]].map(at).find((values) => values.length <= wanted) || at([1, 3]);
    return finer.map(({ value }) => ({ value, text: short(value) }));
  }

  function scaleOf(axis, from, to) {
    const log = axis.scale === "log";
    const place = log ? Math.log10 : Number;
    const low = place(axis.low), high = place(axis.high);
    const scale = function (value) {
      if (value === null || (log && value <= 0)) return NaN;
      return from + ((place(value) - low) / (high - low)) * (to - from);
    };
    scale.ticks = (wanted) => (log ? logTicks : linearTicks)(axis.low, axis.high, wanted);
    return scale;
  }

  function path(points) {
    let text = "", pen = false;
    for (const [x, y] of points) {
      if (!isFinite(x) || !isFinite(y)) { pen = false; continue; }
      text += (pen ? "L" : "M") + x.toFixed(1) + " " + y.toFixed(1);
      pen = true;
    }
    return text;
  }

  // Integers of 8 or 16 bits between low and high, in base64, as live.py packs the many numbers of discs.
  function unpack(packed, node) {
    const bytes = atob(packed.nodes[packed.nodes.length === 1 ? 0 : node]), size = packed.bits / 8;
    const step = (packed.high - packed.low) / (Math.pow(2, packed.bits) - 1), values = [];
    for (let k = 0; k < bytes.length; k += size) {
      values.push(packed.low + step * (bytes.charCodeAt(k) + (size === 2 ? 256 * bytes.charCodeAt(k + 1) : 0)));
    }
    return values;
  }

  function drawDiscs(group, series, node, x, y) {
    const data = {};
    for (const name in series.data) data[name] = unpack(series.data[name], node);
    const unit = Math.abs(x(1) - x(0)), [low, high] = series.range;
    data.x.forEach((value, k) => {
      const share = 100 * Math.min(1, Math.max(0, (data.value[k] - low) / (high - low)));
      make(group, "circle", { cx: x(value).toFixed(1), cy: y(data.y[k]).toFixed(1), r: (unit * data.radius[k]).toFixed(1), class: "disc",
                              style: `fill: color-mix(in oklab, var(--glass-${series.colour}) ${share.toFixed(0)}%, var(--glass-faint))` });
    });
    if (!data.dx) return;
    let text = "";
    data.x.forEach((value, k) => {
      const from = [x(value), y(data.y[k])], to = [x(value + data.dx[k]), y(data.y[k] + data.dy[k])];
      const along = [to[0] - from[0], to[1] - from[1]], length = Math.hypot(...along);
      if (length < 3) return;
      const head = Math.min(4, 0.5 * length) / length;
      text += path([from, to]);
      for (const side of [0.6, -0.6]) {
        text += path([to, [to[0] - head * (along[0] + side * along[1]), to[1] - head * (along[1] - side * along[0])]]);
      }
    });
    make(group, "path", { d: text, class: "arrows" });
  }

  function drawSeries(group, series, node, x, y, floor) {
    if (series.style === "discs") { drawDiscs(group, series, node, x, y); return; }
    const channel = (name) => {
      const arrays = series.data[name];
      return arrays && arrays[arrays.length === 1 ? 0 : node];
    };
    const colour = "var(--glass-" + series.colour + ")";
    const xs = channel("x").map(x);
    if (series.style === "band") {
      const low = channel("low").map(y), high = channel("high").map(y);
      const edge = xs.map((v, k) => [v, low[k]]).concat(xs.map((v, k) => [v, high[k]]).reverse());
      make(group, "path", { d: path(edge.filter((p) => isFinite(p[0]) && isFinite(p[1]))) + "Z", fill: colour, class: "band" });
      return;
    }
    const ys = channel("y").map(y);
    if (series.style === "line") {
      make(group, "path", { d: path(xs.map((v, k) => [v, ys[k]])), stroke: colour, class: "line" });
    } else if (series.style === "bars") {
      const gaps = xs.slice(1).map((v, k) => v - xs[k]).filter((gap) => gap > 0);
      const width = gaps.length ? Math.min(...gaps) : 12;
      xs.forEach((v, k) => {
        if (!isFinite(v) || !isFinite(ys[k])) return;
        make(group, "rect", { x: v - width / 2, width: Math.max(width - 1, 0.5), y: Math.min(ys[k], floor),
                              height: Math.abs(floor - ys[k]), fill: colour, class: "bar" });
      });
    } else {
      const values = channel("y"), errors = channel("error");
      xs.forEach((v, k) => {
        if (!isFinite(v) || !isFinite(ys[k])) return;
        if (errors && errors[k] !== null) {
          const top = y(values[k] + errors[k]), bottom = y(values[k] - errors[k]);
          make(group, "path", { d: path([[v, top], [v, isFinite(bottom) ? bottom : floor]]), stroke: colour, class: "error" });
        }
        make(group, "circle", { cx: v, cy: ys[k], r: 3.2, fill: colour });
      });
    }
  }

  function drawMark(group, mark, x, y, box) {
    if (mark.x === null) {
      make(group, "path", { d: path([[box.left, y(mark.y)], [box.right, y(mark.y)]]), class: "mark" });
    } else if (mark.y === null) {
      make(group, "path", { d: path([[x(mark.x), box.top], [x(mark.x), box.bottom]]), class: "mark" });
    } else {
      const cx = x(mark.x), cy = y(mark.y), r = 5.5;
      make(group, "path", { d: `M${cx - r} ${cy}L${cx} ${cy - r}L${cx + r} ${cy}L${cx} ${cy + r}Z`, class: "mark-point" });
    }
  }

  function frameOf(holder, panel) {
    const width = Math.max(holder.clientWidth, 220);
    const rough = scaleOf(panel.y, 1, 0).ticks(5);
    const left = 34 + 7 * Math.max(...rough.map((tick) => tick.text.length), 1);
    const shape = (panel.y.high - panel.y.low) / (panel.x.high - panel.x.low);
    const free = Math.min(Math.max(width * 0.72, 230), 360);
    return { width, left, height: Math.round(panel.equal ? (width - 12 - left) * shape + 56 : free) };
  }

  function drawPanel(holder, panel, node, identity, { width, left, height }) {
    const box = { left, right: width - 12, top: 10, bottom: height - 46 };
    const x = scaleOf(panel.x, box.left, box.right), y = scaleOf(panel.y, box.bottom, box.top);
    holder.replaceChildren();
    const svg = make(holder, "svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
                                      "aria-label": `${titled(panel.y)} against ${titled(panel.x)}` });
    for (const tick of x.ticks(Math.max(3, Math.floor((box.right - box.left) / 75)))) {
      const at = x(tick.value);
      make(svg, "path", { d: path([[at, box.top], [at, box.bottom]]), class: "grid" });
      make(svg, "text", { x: at, y: box.bottom + 17, "text-anchor": "middle" }, tick.text);
    }
    for (const tick of y.ticks(5)) {
      const at = y(tick.value);
      make(svg, "path", { d: path([[box.left, at], [box.right, at]]), class: "grid" });
      make(svg, "text", { x: box.left - 7, y: at + 4, "text-anchor": "end" }, tick.text);
    }
    const middle = (box.top + box.bottom) / 2;
    make(svg, "text", { x: (box.left + box.right) / 2, y: height - 8, "text-anchor": "middle", class: "axis" }, titled(panel.x));
    make(svg, "text", { x: 13, y: middle, "text-anchor": "middle", class: "axis", transform: `rotate(-90 13 ${middle})` }, titled(panel.y));
    const clip = make(make(svg, "defs"), "clipPath", { id: identity });
    make(clip, "rect", { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top });
    const group = make(svg, "g", { "clip-path": `url(#${identity})` });
    const zero = panel.y.scale === "linear" && panel.y.low <= 0 ? y(0) : box.bottom;
    panel.series.forEach((series) => drawSeries(group, series, node, x, y, zero));
    panel.marks.forEach((mark) => drawMark(group, mark, x, y, box));
    make(svg, "path", { d: path([[box.left, box.top], [box.left, box.bottom], [box.right, box.bottom]]), class: "frame" });
  }

  function legend(holder, panel) {
    const list = make(holder, "ul", { class: "legend" });
    panel.series.filter((s) => s.label && s.style === "discs").forEach((s) => {
      const item = make(list, "li", { style: `--key: var(--glass-${s.colour})` });
      item.append(s.label + " " + short(s.range[0]));
      make(item, "span", { class: "key ramp", "aria-hidden": "true" });
      item.append(short(s.range[1]));
    });
    const entries = panel.series.filter((s) => s.label && s.style !== "discs").map((s) => ["key " + s.style, `var(--glass-${s.colour})`, s.label])
      .concat(panel.marks.map((m) => [m.x !== null && m.y !== null ? "key mark-point" : "key mark", "var(--glass-ink)", m.label]));
    for (const [kind, colour, text] of entries) {
      const item = make(list, "li");
      make(item, "span", { class: kind, style: `--key: ${colour}`, "aria-hidden": "true" });
      item.append(text);
    }
  }

  class GlassFigure extends HTMLElement {
    connectedCallback() {
      if (this.spec) return;
      const source = this.querySelector('script[type="application/json"]');
      if (!source) return;
      this.spec = JSON.parse(source.textContent);
      this.identity = "glass-figure-" + ++count;
      this.position = this.spec.sliders.map((slider) => slider.start);
      this.build();
      this.classList.add("ready");
    }

    build() {
      const spec = this.spec;
      const root = make(this, "div", { class: "live", role: "group", "aria-label": spec.title || "Figure with sliders" });
      if (spec.title) make(root, "p", { class: "live-title" }, spec.title);
      const controls = make(root, "div", { class: "controls" });
      this.inputs = spec.sliders.map((slider, k) => this.control(controls, slider, k));
      const panels = make(root, "div", { class: "panels" });
      if (spec.panels.some((panel) => panel.equal)) {
        panels.classList.add("with-map");
        panels.style.setProperty("--columns", spec.panels.map((panel) => `minmax(0, ${panel.equal ? 3 : 2}fr)`).join(" "));
      }
      this.cells = spec.panels.map(() => make(panels, "div", { class: "panel" }));
      this.holders = spec.panels.map((panel, k) => {
        legend(this.cells[k], panel);
        return make(this.cells[k], "div", { class: "drawing" });
      });
      const readouts = make(root, "dl", { class: "readouts", "aria-live": "polite" });
      this.outputs = spec.readouts.map((readout) => {
        const pair = make(readouts, "div");
        make(pair, "dt", {}, readout.label);
        return make(pair, "dd");
      });
      this.draw();
      new ResizeObserver(() => this.resized()).observe(root);
    }

    control(parent, slider, k) {
      const row = make(parent, "div", { class: "control" });
      const id = `${this.identity}-${slider.name}`;
      make(row, "label", { for: id }, slider.label);
      const input = make(row, "input", { id, type: "range", min: 0, max: slider.values.length - 1, step: 1 });
      input.value = slider.start;
      const value = make(row, "output", { for: id });
      const say = () => {
        const text = (short(slider.values[this.position[k]]) + " " + slider.unit).trim();
        value.textContent = text;
        input.setAttribute("aria-valuetext", text);
      };
      input.addEventListener("input", () => {
        this.position[k] = Number(input.value);
        say();
        this.draw();
      });
      say();
      return input;
    }

    node() {
      return this.spec.sliders.reduce((index, slider, k) => index * slider.values.length + this.position[k], 0);
    }

    resized() {
      const width = this.clientWidth;
      if (width && width !== this.drawnWidth) this.draw();
    }

    draw() {
      const node = this.node();
      this.drawnWidth = this.clientWidth;
      this.dataset.node = node;
      const frames = this.spec.panels.map((panel, k) => frameOf(this.holders[k], panel));
      this.spec.panels.forEach((panel, k) => {
        const beside = frames.filter((frame, j) => this.spec.panels[j].equal && this.cells[j].offsetTop === this.cells[k].offsetTop);
        if (!panel.equal && beside.length) frames[k].height = Math.max(...beside.map((frame) => frame.height));
      });
      this.spec.panels.forEach((panel, k) => drawPanel(this.holders[k], panel, node, `${this.identity}-${k}`, frames[k]));
      this.spec.readouts.forEach((readout, k) => {
        this.outputs[k].textContent = (short(readout.values[node]) + " " + readout.unit).trim();
      });
    }
  }

  if (!customElements.get("glass-figure")) customElements.define("glass-figure", GlassFigure);
})();
