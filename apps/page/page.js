
'use strict';
// Everything on the page can be read without this script. It adds: steps that are shown one at a time, players, and
// the lighting up of what a number was made of.

// <div data-steps>: its children with data-step are shown one at a time.
for (const walk of document.querySelectorAll('[data-steps]')) {
  const steps = [...walk.querySelectorAll(':scope > [data-step]')];
  const controls = document.createElement('div');
  controls.className = 'controls';
  const button = (text, action) => {
    const b = document.createElement('button');
    b.type = 'button';
    b.textContent = text;
    b.addEventListener('click', action);
    controls.append(b);
    return b;
  };
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
