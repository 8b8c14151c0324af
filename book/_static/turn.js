/* <glass-turn>: atoms in their cell on a canvas, turned by mouse, finger, keys or buttons.
 *
 * The element holds a picture, for readers without scripts, and one <script type="application/json"> in the format that
 * glasslib/turnable.py documents; how a point is drawn stands in glasslib/pictures3d.py. It asks nothing of the network
 * and nothing of other scripts, and it moves only when its reader does.
 */
(function () {
  "use strict";

  const FADED = 0.72, RIM = 0.35;  // as in pictures3d.py
  const STEP = 6;  // degrees of a key or a button; what is in front moves the way of the arrow, as under the mouse
  const KEYS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  let count = 0;

  function make(parent, name, attributes, text) {
    const node = document.createElement(name);
    for (const key in attributes || {}) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    parent.appendChild(node);
    return node;
  }

  function unpack(text) {
    const bytes = atob(text), places = [];
    for (let k = 0; k < bytes.length; k += 6) {
      places.push([0, 2, 4].map((a) => (bytes.charCodeAt(k + a) + 256 * bytes.charCodeAt(k + a + 1)) / 65535));
    }
    return places;
  }

  function rgb(text) {
    const hex = text.trim().slice(1);
    return [0, 2, 4].map((k) => parseInt(hex.slice(k, k + 2), 16));
  }

  const mixed = (a, b, share) => a.map((x, k) => Math.round(x + share * (b[k] - x)));
  const css = (colour) => `rgb(${colour.join(",")})`;
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

  function axesOf(view) {
    const a = (view.azimuth * Math.PI) / 180, e = (view.elevation * Math.PI) / 180;
    return [[Math.cos(a), 0, -Math.sin(a)], [-Math.sin(e) * Math.sin(a), Math.cos(e), -Math.sin(e) * Math.cos(a)],
            [Math.cos(e) * Math.sin(a), Math.sin(e), Math.cos(e) * Math.cos(a)]];
  }

  // The edges of a cell: axis, its two faces as [axis, side], both ends in fractions.
  function edges() {
    const all = [];
    for (let a = 0; a < 3; a++) {
      const [b, c] = [0, 1, 2].filter((k) => k !== a);
      for (const i of [0, 1]) for (const j of [0, 1]) {
        const ends = [0, 1].map((x) => { const p = [0, 0, 0]; p[a] = x; p[b] = i; p[c] = j; return p; });
        all.push({ axis: a, faces: [[b, i], [c, j]], ends });
      }
    }
    return all;
  }

  class GlassTurn extends HTMLElement {
    connectedCallback() {
      if (this.spec) return;
      const source = this.querySelector('script[type="application/json"]');
      if (!source) return;
      this.spec = JSON.parse(source.textContent);
      this.identity = "glass-turn-" + ++count;
      this.view = Object.assign({ zoom: 1 }, this.spec.view);
      this.scenes = this.spec.scenes.map((scene) => Object.assign({}, scene, {
        groups: scene.groups.map((group) => Object.assign({}, group, { places: unpack(group.places), shown: true })),
      }));
      this.build();
      this.choose(0);
      this.classList.add("ready");
      new ResizeObserver(() => this.later()).observe(this.canvas);
      new MutationObserver(() => this.later()).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    }

    build() {
      const root = make(this, "div", { class: "turn", role: "group", "aria-label": this.spec.title });
      make(root, "p", { class: "turn-title" }, this.spec.title);
      if (this.scenes.length > 1) this.chooser(root);
      this.legend = make(root, "ul", { class: "turn-legend" });
      const hint = this.identity + "-hint";
      this.canvas = make(root, "canvas", { tabindex: 0, role: "application", "aria-roledescription": "picture to be turned",
                                           "aria-describedby": hint });
      const row = make(root, "div", { class: "turn-buttons" });
      for (const [text, label, act] of [["←", "turn to the left", () => this.turn(STEP, 0)], ["→", "turn to the right", () => this.turn(-STEP, 0)],
                                        ["↑", "turn upwards", () => this.turn(0, -STEP)], ["↓", "turn downwards", () => this.turn(0, STEP)],
                                        ["+", "larger", () => this.zoom(1.15)], ["−", "smaller", () => this.zoom(1 / 1.15)],
                                        ["⟲", "as at first", () => this.reset()]]) {
        make(row, "button", { type: "button", "aria-label": label, title: label }, text).addEventListener("click", act);
      }
      this.state = make(row, "output", { "aria-live": "polite" });
      make(root, "p", { class: "turn-hint", id: hint }, "Drag to turn, or use the arrow keys; + and − change the size, Home goes back to the first view.");
      this.canvas.addEventListener("keydown", (event) => this.key(event));
      this.drag();
    }

    chooser(root) {
      const row = make(root, "div", { class: "turn-control" }), id = this.identity + "-scene";
      make(row, "label", { for: id }, "shown");
      const select = make(row, "select", { id });
      this.scenes.forEach((scene, k) => make(select, "option", { value: k }, scene.label));
      select.addEventListener("change", () => this.choose(Number(select.value)));
    }

    choose(k) {
      this.scene = this.scenes[k];
      this.dataset.scene = k;
      this.edges = edges();
      const cell = this.scene.cell;
      this.middle = [0, 1, 2].map((a) => (cell[0][a] + cell[1][a] + cell[2][a]) / 2);
      const signs = [[1, 1, 1], [1, 1, -1], [1, -1, 1], [1, -1, -1]];
      this.half = Math.max(...signs.map((s) => Math.hypot(...[0, 1, 2].map((a) => dot(s, cell.map((v) => v[a])))))) / 2;
      this.legend.replaceChildren();
      this.scene.groups.forEach((group) => {
        const label = make(make(this.legend, "li"), "label");
        const box = make(label, "input", { type: "checkbox" });
        box.checked = group.shown;
        box.addEventListener("change", () => { group.shown = box.checked; this.later(); });
        make(label, "span", { class: "key", style: `--key: var(--glass-${group.colour})`, "aria-hidden": "true" });
        label.append(`${group.label}: ${group.places.length}`);
      });
      const told = this.scene.groups.map((group) => `${group.places.length} ${group.label}`).join(", ");
      this.canvas.setAttribute("aria-label", `${this.spec.title}. ${this.scene.label}: ${told}`);
      this.say();
      this.later();
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key in KEYS) this.turn(...KEYS[event.key].map((x) => STEP * x));
      else if (event.key === "+" || event.key === "=") this.zoom(1.15);
      else if (event.key === "-") this.zoom(1 / 1.15);
      else if (event.key === "Home") this.reset();
      else return;
      event.preventDefault();
    }

    // A finger that moves sideways turns; one that moves up or down scrolls the page, see touch-action in turn.css.
    drag() {
      let last = null;
      this.canvas.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        last = [event.clientX, event.clientY];
        this.canvas.setPointerCapture(event.pointerId);
      });
      this.canvas.addEventListener("pointermove", (event) => {
        if (!last) return;
        this.turn(-0.5 * (event.clientX - last[0]), 0.5 * (event.clientY - last[1]));
        last = [event.clientX, event.clientY];
      });
      for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => { last = null; this.say(); });
    }

    turn(azimuth, elevation) {
      this.view.azimuth = ((((this.view.azimuth + azimuth + 180) % 360) + 360) % 360) - 180;
      this.view.elevation = Math.max(-90, Math.min(90, this.view.elevation + elevation));
      this.changed();
    }

    zoom(factor) {
      this.view.zoom = Math.max(0.5, Math.min(4, this.view.zoom * factor));
      this.changed();
    }

    reset() {
      Object.assign(this.view, this.spec.view, { zoom: 1 });
      this.changed();
    }

    changed() {
      this.say();
      this.later();
    }

    say() {
      const angle = (x) => String(Math.round(x)).replace("-", "−") + "°";
      this.state.textContent = `azimuth ${angle(this.view.azimuth)}, elevation ${angle(this.view.elevation)}`;
    }

    later() {
      if (this.frame) return;
      this.frame = requestAnimationFrame(() => { this.frame = null; this.draw(); });
    }

    // Where a point in fractions of the cell is drawn: x, y upwards, depth, enlargement.
    place(fractions) {
      const cell = this.scene.cell, axes = axesOf(this.view);
      const from = [0, 1, 2].map((a) => fractions[0] * cell[0][a] + fractions[1] * cell[1][a] + fractions[2] * cell[2][a] - this.middle[a]);
      const depth = dot(from, axes[2]) / this.half, enlarged = this.view.distance / (this.view.distance - depth);
      return [enlarged * dot(from, axes[0]), enlarged * dot(from, axes[1]), depth, enlarged];
    }

    // Which of the faces are turned to the eye, by the sign of their corners' turn on the screen.
    seen(axis, side) {
      const [b, c] = [0, 1, 2].filter((k) => k !== axis);
      const corner = (i, j) => { const p = [0, 0, 0]; p[axis] = side; p[b] = i; p[c] = j; return this.place(p); };
      const [o, u, v] = [corner(0, 0), corner(1, 0), corner(0, 1)];
      const turn = (u[0] - o[0]) * (v[1] - o[1]) - (u[1] - o[1]) * (v[0] - o[0]);
      return turn * (axis === 1 ? -1 : 1) * (side ? 1 : -1) > 0;
    }

    draw() {
      const width = this.canvas.clientWidth, height = this.canvas.clientHeight, ratio = window.devicePixelRatio || 1;
      if (!width || !height) return;
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
      const pen = this.canvas.getContext("2d"), style = getComputedStyle(this);
      const colour = (name) => rgb(style.getPropertyValue("--glass-" + name));
      pen.scale(ratio, ratio);
      const scale = (this.view.zoom * Math.min(width - 60, height)) / (1.95 * this.half);
      const at = (p) => [width / 2 + scale * p[0], height / 2 - scale * p[1]];
      const seen = [0, 1, 2].map((a) => [0, 1].map((side) => this.seen(a, side)));
      const hidden = (edge) => !edge.faces.some(([a, side]) => seen[a][side]);
      const ink = colour("ink"), paper = colour("paper"), grey = colour("grey");
      const line = (edge) => {
        pen.beginPath();
        pen.moveTo(...at(this.place(edge.ends[0])));
        pen.lineTo(...at(this.place(edge.ends[1])));
        pen.stroke();
      };
      pen.lineWidth = 1;
      pen.strokeStyle = css(grey);
      pen.setLineDash([4, 3]);
      this.edges.filter(hidden).forEach(line);
      pen.setLineDash([]);
      this.discs(pen, at, scale, colour, paper, ink);
      pen.lineWidth = 1;
      pen.strokeStyle = css(ink);
      this.edges.filter((edge) => !hidden(edge)).forEach(line);
      this.labels(pen, at, seen, ink);
      this.dataset.drawn = Number(this.dataset.drawn || 0) + 1;
    }

    discs(pen, at, scale, colour, paper, ink) {
      const atoms = [];
      for (const group of this.scene.groups.filter((one) => one.shown)) {
        const full = colour(group.colour);
        for (const place of group.places) atoms.push({ p: this.place(place), radius: group.radius, full });
      }
      atoms.sort((one, other) => one.p[2] - other.p[2]);
      pen.lineWidth = 0.7;
      for (const { p, radius, full } of atoms) {
        const face = mixed(full, paper, (FADED * (1 - p[2])) / 2);
        pen.beginPath();
        pen.arc(...at(p), scale * radius * p[3], 0, 2 * Math.PI);
        pen.fillStyle = css(face);
        pen.fill();
        pen.strokeStyle = css(mixed(face, [0, 0, 0], RIM));
        pen.stroke();
      }
    }

    // Name and length at one edge of each direction: the lowest on the outline, of the upright ones the leftmost.
    labels(pen, at, seen, ink) {
      pen.fillStyle = css(ink);
      pen.font = "13px " + getComputedStyle(document.body).fontFamily;
      [0, 1, 2].forEach((a) => {
        const middles = this.edges.filter((edge) => edge.axis === a && seen[edge.faces[0][0]][edge.faces[0][1]] !== seen[edge.faces[1][0]][edge.faces[1][1]])
          .map((edge) => this.place(edge.ends[0].map((x, k) => (x + edge.ends[1][k]) / 2)));
        if (!middles.length) return;
        const middle = middles.reduce((best, one) => (one[a === 1 ? 0 : 1] < best[a === 1 ? 0 : 1] ? one : best));
        const [x, y] = at(middle), off = Math.hypot(middle[0], middle[1]) || 1;
        pen.textAlign = middle[0] < 0 ? "right" : "left";
        pen.textBaseline = "middle";
        const text = `${"xyz"[a]} ${Math.hypot(...this.scene.cell[a]).toFixed(1)} ${this.spec.unit}`;
        const wide = pen.measureText(text).width, room = this.canvas.clientWidth;
        let from = x + (10 * middle[0]) / off;
        from = middle[0] < 0 ? Math.max(from, wide + 2) : Math.min(from, room - wide - 2);
        pen.fillText(text, from, Math.min(y - (12 * middle[1]) / off, this.canvas.clientHeight - 8));
      });
    }
  }

  if (!customElements.get("glass-turn")) customElements.define("glass-turn", GlassTurn);
})();
