// Alarm sounds by WebAudio. A loop is one buffer that the audio thread repeats: it needs no timers, which browsers
// slow down in hidden tabs. Of several open tabs only one sounds.

const PATTERNS = {
  // seconds, then notes: [at_s, hz, length_s, volume]
  red: [2.0, [0, 880, 0.28, 0.5], [0.3, 660, 0.28, 0.5], [0.7, 880, 0.28, 0.5], [1.0, 660, 0.28, 0.5]],
  orange: [3.5, [0, 740, 0.32, 0.35], [0.36, 587, 0.4, 0.35]],
  lost: [10, [0, 330, 0.5, 0.25], [0.6, 262, 0.7, 0.25]],
  soft: [0.9, [0, 523, 0.7, 0.18]],
  burst: [0.9, [0, 880, 0.28, 0.45], [0.3, 660, 0.28, 0.45]],
};

let context = null;
let mayRing = !("locks" in navigator);
let wanted = "";
let playing = null; // {name, node}
const buffers = new Map();

export const isOn = () => context?.state === "running";

// Browsers let a page sound only after a click or a key; `changed` is told when it works.
export async function turnOn(changed) {
  if (!context) {
    context = new AudioContext();
    context.addEventListener("statechange", () => {
      changed();
      apply();
    });
    navigator.locks?.request("xindeng-console-sound", () => {
      mayRing = true;
      apply();
      return new Promise(() => {}); // until this tab closes
    });
  }
  await context.resume().catch(() => {});
  changed();
  apply();
}

function bufferOf(name) {
  if (buffers.has(name)) return buffers.get(name);
  const [length_s, ...notes] = PATTERNS[name];
  const rate = context.sampleRate;
  const buffer = context.createBuffer(1, Math.ceil(length_s * rate), rate);
  const samples = buffer.getChannelData(0);
  for (const [at_s, hz, note_s, volume] of notes) {
    const first = Math.floor(at_s * rate);
    const count = Math.floor(note_s * rate);
    for (let i = 0; i < count; i += 1) {
      const edge = Math.min(1, i / (0.012 * rate), (count - i) / (0.08 * rate)); // no clicks
      const wave = (2 * Math.PI * hz * i) / rate;
      samples[first + i] += volume * edge * (0.8 * Math.sin(wave) + 0.2 * Math.sin(2 * wave));
    }
  }
  buffers.set(name, buffer);
  return buffer;
}

function start(name, loop) {
  const node = context.createBufferSource();
  node.buffer = bufferOf(name);
  node.loop = loop;
  node.connect(context.destination);
  node.start();
  return node;
}

function apply() {
  const name = isOn() && mayRing ? wanted : "";
  if (playing?.name === name || (!playing && !name)) return;
  playing?.node.stop();
  playing = name ? { name, node: start(name, true) } : null;
}

// Repeat this pattern until told otherwise; "" is silence.
export function loop(name) {
  wanted = name;
  apply();
}

export function once(name) {
  if (isOn() && mayRing) start(name, false);
}

// What sounds now; the page shows it and tests read it.
export const ringing = () => playing?.name ?? "";
