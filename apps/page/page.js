
'use strict';
// Everything on the page can be read without this script. It adds: steps that are shown one at a time, players, graphs, and
// the lighting up of what a number was made of.

// A row of buttons, and what adds one to it.
function buttonRow() {
  const row = document.createElement('div');
  row.className = 'controls';
  const button = (text, action) => {
    const b = document.createElement('button');
    b.type = 'button';
    b.textContent = text;
    b.addEventListener('click', action);
    row.append(b);
    return b;
  };
  return { row, button };
}

// <div data-steps>: its children with data-step are shown one at a time.
for (const walk of document.querySelectorAll('[data-steps]')) {
  const steps = [...walk.querySelectorAll(':scope > [data-step]')];
  const { row: controls, button } = buttonRow();
  let at = 0;
  const show = i => {
    at = Math.max(0, Math.min(steps.length - 1, i));
    steps.forEach((s, k) => { s.hidden = all ? false : k !== at; });
    place.textContent = all ? `all ${steps.length} steps` : `step ${at + 1} of ${steps.length}: ${steps[at].dataset.step}`;
    back.disabled = all || at === 0;
    next.disabled = all || at === steps.length - 1;
  };
  let all = false;
  const back = button('← Back', () => show(at - 1));
  const next = button('Next →', () => show(at + 1));
  const whole = button('Show all', () => {
    all = !all;
    whole.textContent = all ? 'One at a time' : 'Show all';
    show(at);
  });
  const place = document.createElement('span');
  place.setAttribute('aria-live', 'polite');
  controls.append(place);
  walk.prepend(controls);
  document.addEventListener('keydown', e => {
    if (e.altKey || e.ctrlKey || e.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) return;
    if (e.key === 'ArrowRight') show(at + 1);
    else if (e.key === 'ArrowLeft') show(at - 1);
    else return;
    e.preventDefault();
  });
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  show(Math.max(0, target ? steps.findIndex(s => s.contains(target)) : 0));
}

// A number with data-id names those it was made of in data-from. Hovering or focusing it lights up both them and what
// was made of it.
const made_of = new Map(), used_by = new Map();
const numbers = document.querySelectorAll('[data-id]');
for (const n of numbers) {
  if (!made_of.has(n.dataset.id)) made_of.set(n.dataset.id, []);
  made_of.get(n.dataset.id).push(n);
  for (const from of (n.dataset.from || '').split(' ').filter(Boolean)) {
    if (!used_by.has(from)) used_by.set(from, []);
    used_by.get(from).push(n);
  }
}
const unlight = () => document.querySelectorAll('.lit, .source, .use').forEach(e => e.classList.remove('lit', 'source', 'use'));
const light = n => {
  unlight();
  for (const from of (n.dataset.from || '').split(' ').filter(Boolean))
    for (const e of made_of.get(from) || []) e.classList.add('source');
  for (const e of used_by.get(n.dataset.id) || []) e.classList.add('use');
  for (const e of made_of.get(n.dataset.id)) e.classList.add('lit');
};
for (const n of numbers) {
  if (!n.hasAttribute('tabindex')) n.setAttribute('tabindex', '0');
  n.addEventListener('mouseenter', () => light(n));
  n.addEventListener('focus', () => light(n));
  n.addEventListener('mouseleave', unlight);
  n.addEventListener('blur', unlight);
}

// <figure data-player="ID">: the frames of the JSON with that id are shown one after the other. A frame gives
// attributes of elements inside the figure ("set": {".name": {"x": ...}}), their text ("text": {".name": ...}) and a caption. Children with
// data-frame are shown when their number is the frame's.
for (const player of document.querySelectorAll('[data-player]')) {
  const frames = JSON.parse(document.getElementById(player.dataset.player).textContent);
  const parts = [...player.querySelectorAll('[data-frame]')];
  const controls = document.createElement('div');
  controls.className = 'controls';
  const play = document.createElement('button'), slider = document.createElement('input');
  const speed = document.createElement('select'), caption = document.createElement('span');
  play.type = 'button';
  play.textContent = 'Play';
  slider.type = 'range';
  slider.min = 0;
  slider.max = frames.length - 1;
  slider.value = 0;
  slider.setAttribute('aria-label', 'frame');
  speed.setAttribute('aria-label', 'frames a second');
  for (const rate of [1, 2, 5, 10, 25, 50]) speed.add(new Option(`${rate} a second`, rate));
  speed.value = player.dataset.rate || '10';
  const show = i => {
    slider.value = i;
    const frame = frames[i];
    for (const [name, values] of Object.entries(frame.set || {}))
      for (const [key, value] of Object.entries(values)) player.querySelector(name).setAttribute(key, value);
    for (const [name, value] of Object.entries(frame.text || {})) player.querySelector(name).textContent = value;
    for (const part of parts) part.toggleAttribute('hidden', Number(part.dataset.frame) !== i);
    caption.textContent = frame.caption || '';
  };
  let timer = 0;
  const stop = () => { clearInterval(timer); timer = 0; play.textContent = 'Play'; };
  const start = () => {
    if (Number(slider.value) >= frames.length - 1) show(0);
    play.textContent = 'Pause';
    timer = setInterval(() => {
      const next = Number(slider.value) + 1;
      if (next >= frames.length) stop(); else show(next);
    }, 1000 / Number(speed.value));
  };
  play.addEventListener('click', () => timer ? stop() : start());
  slider.addEventListener('input', () => { stop(); show(Number(slider.value)); });
  speed.addEventListener('change', () => { if (timer) { stop(); start(); } });
  controls.append(play, slider, speed, caption);
  player.append(controls);
  show(0);
}

// <figure data-graph="ID">: a graph of formulas, from the JSON with that id. A node without "op" is a number that can be
// changed: by a slider in [data-slider=NAME], by dragging [data-node=NAME] up or down, and by the arrow keys there. Every
// change computes all values forward, the gradients of the last node backward, and finite differences, and writes them
// into [data-value=NAME], [data-gradient=NAME] and [data-nudged=NAME].
// Each op: its value from those of its parts, and its derivatives with respect to them.
const graph_ops = {
  affine: [v => v.slice(1).reduce((sum, x, i, all) => i % 2 ? sum : sum + x * all[i + 1], v[0]),
           v => v.map((_, i) => i === 0 ? 1 : v[i % 2 ? i + 1 : i - 1])],
  tanh: [v => Math.tanh(v[0]), v => [1 - Math.tanh(v[0]) ** 2]],
  half_squared_error: [v => (v[0] - v[1]) ** 2 / 2, v => [v[0] - v[1], v[1] - v[0]]],
};
for (const figure of document.querySelectorAll('[data-graph]')) {
  const graph = JSON.parse(document.getElementById(figure.dataset.graph).textContent);
  const leaves = graph.nodes.filter(n => !n.op), inner = graph.nodes.filter(n => n.op);
  const loss = graph.nodes[graph.nodes.length - 1].name;
  const numbers = new Map(leaves.map(n => [n.name, n.value]));
  const forward = changed => {
    const value = new Map([...numbers, ...changed]);
    for (const n of inner) value.set(n.name, graph_ops[n.op][0](n.of.map(part => value.get(part))));
    return value;
  };
  const backward = value => {
    const gradient = new Map(graph.nodes.map(n => [n.name, 0]));
    gradient.set(loss, 1);
    for (const n of [...inner].reverse()) {
      const slopes = graph_ops[n.op][1](n.of.map(part => value.get(part)));
      n.of.forEach((part, i) => gradient.set(part, gradient.get(part) + gradient.get(n.name) * slopes[i]));
    }
    return gradient;
  };
  const nudged = name => {
    const h = 1e-4, at = numbers.get(name);
    return (forward([[name, at + h]]).get(loss) - forward([[name, at - h]]).get(loss)) / (2 * h);
  };
  const parts = (kind, name) => figure.querySelectorAll(`[data-${kind}="${CSS.escape(name)}"]`);
  const write = (kind, name, number) => {
    for (const e of parts(kind, name)) e.textContent = String(Number(number.toPrecision(4)) || 0);
  };
  const sliders = new Map();
  const show = () => {
    const value = forward([]), gradient = backward(value);
    for (const { name } of graph.nodes) {
      write('value', name, value.get(name));
      write('gradient', name, gradient.get(name));
    }
    for (const { name } of leaves) {
      write('nudged', name, nudged(name));
      for (const s of sliders.get(name)) s.value = numbers.get(name);
      for (const box of parts('node', name)) box.setAttribute('aria-valuenow', numbers.get(name));
    }
    return gradient;
  };
  const change = (name, number) => {
    numbers.set(name, Math.min(graph.high, Math.max(graph.low, number)));
    show();
  };
  for (const { name } of leaves) {
    sliders.set(name, [...parts('slider', name)].map(cell => {
      const slider = document.createElement('input');
      slider.type = 'range';
      slider.min = graph.low;
      slider.max = graph.high;
      slider.step = 'any';
      slider.setAttribute('aria-label', name);
      slider.addEventListener('input', () => change(name, Number(slider.value)));
      cell.append(slider);
      return slider;
    }));
    for (const box of parts('node', name)) {
      box.setAttribute('role', 'slider');
      box.setAttribute('tabindex', '0');
      box.setAttribute('aria-label', name);
      box.setAttribute('aria-valuemin', graph.low);
      box.setAttribute('aria-valuemax', graph.high);
      let from = null;
      box.addEventListener('pointerdown', e => {
        from = { y: e.clientY, number: numbers.get(name) };
        box.setPointerCapture(e.pointerId);
      });
      box.addEventListener('pointermove', e => {
        if (from) change(name, from.number + (from.y - e.clientY) * (graph.high - graph.low) / 400);
      });
      for (const end of ['pointerup', 'pointercancel']) box.addEventListener(end, () => { from = null; });
      box.addEventListener('keydown', e => {
        const up = { ArrowUp: 1, ArrowDown: -1 }[e.key];
        if (!up) return;
        e.preventDefault();
        change(name, numbers.get(name) + up * (graph.high - graph.low) / 60);
      });
    }
  }
  const { row: controls, button } = buttonRow();
  button(`One gradient step of ${graph.rate}`, () => {
    const gradient = show();
    for (const n of leaves) if (n.trained) numbers.set(n.name, numbers.get(n.name) - graph.rate * gradient.get(n.name));
    show();
  });
  button('Back to the start', () => {
    for (const n of leaves) numbers.set(n.name, n.value);
    show();
  });
  figure.querySelector('figcaption').after(controls);
  show();
}
