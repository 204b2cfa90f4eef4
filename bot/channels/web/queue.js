// What the person wrote and the server has not stored yet. It lives in the browser's storage, so that it survives a
// reload, and goes out one at a time, in order, with the same id until the server says 202.

import { shelf } from "./frame.js";
import { call } from "./wire.js";

export const KEY = "chat.unsent";
const BACK_OFF_S = [1, 2, 4, 8, 15];
const LONGEST_BYTES = 65536;
const KEEPALIVE_BYTES = 16000; // browsers refuse more than 64 KiB of requests that outlive the page
const REFUSED = new Set([400, 403, 406, 422]);

const bytes = (text) => new TextEncoder().encode(text).length;

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID(); // browsers have it on https only
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

export class Queue {
  // on.waiting(item): show it; on.stored(item, id, seq); on.gone(item); on.tooLong(item); on.reached(yes).
  // Nothing goes out before start().
  constructor(on) {
    this.on = on;
    this.items = read() ?? [];
    this.isStarted = false;
    this.isRunning = false;
    this.failures = 0;
    this.wake = () => {};
  }

  static isTooLong(text) {
    return bytes(text) > LONGEST_BYTES;
  }

  // `after`: the newest message known when this was written; an urgent one goes before all that waits.
  add(text, after, { isUrgent = false } = {}) {
    const item = { id: newId(), text, after, isTried: false };
    if (isUrgent) this.items.unshift(item);
    else this.items.push(item);
    this.save();
    this.on.waiting(item);
    this.hurry();
    return item;
  }

  // Another tab changed the list.
  reload() {
    const before = this.items;
    this.items = read() ?? before;
    for (const item of before) if (!this.items.some((kept) => kept.id === item.id)) this.on.gone(item);
    this.start();
  }

  start() {
    this.isStarted = true;
    for (const item of this.items) this.on.waiting(item);
    this.hurry();
  }

  // Try now, not at the end of the back-off.
  hurry() {
    this.wake();
    this.run();
  }

  async run() {
    if (this.isRunning || !this.isStarted) return;
    this.isRunning = true;
    while (this.items.length) {
      const item = this.items[0];
      item.isTried = true;
      this.save();
      if (!(await this.settle(item, await post(item)))) await this.rest();
    }
    this.isRunning = false;
  }

  // True when the next one may go at once.
  async settle(item, { status, body }) {
    if (status === 202 && typeof body?.id === "string" && Number.isInteger(body.seq)) {
      this.failures = 0;
        this.on.reached(true);
      this.drop(item);
      this.on.stored(item, body.id, body.seq);
      return true;
    }
    if (status === 413) {
      this.drop(item);
      this.on.tooLong(item);
      return true;
    }
    if (status === 409) this.rename(item);
    if (REFUSED.has(status)) this.putLast(item); // a refused text must not hold up a cry for help behind it
    this.failures += 1;
    this.on.reached(status >= 400 && status < 500);
    for (const waiting of this.items) this.on.waiting(waiting);
    return false;
  }

  rest() {
    const seconds = BACK_OFF_S[Math.min(this.failures, BACK_OFF_S.length) - 1];
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = () => {};
        resolve();
      };
    });
  }

  // Numbers begin again.
  renumber() {
    for (const item of this.items) item.after = 0;
    this.save();
  }

  rename(item) {
    this.on.gone(item);
    item.id = newId();
    this.save();
  }

  putLast(item) {
    this.items = [...this.items.filter((other) => other.id !== item.id), item];
    this.save();
  }

  drop(item) {
    this.items = this.items.filter((other) => other.id !== item.id);
    this.save();
  }

  save() {
    try {
      if (this.items.length) shelf().setItem(KEY, JSON.stringify(this.items));
      else shelf().removeItem(KEY);
    } catch { /* private mode or full: it is still kept in memory and on the screen */ }
  }

  // The person leaves: one last try for what waits, then nothing is kept here.
  leave() {
    for (const item of this.items) post(item, true);
    this.items = [];
    this.save();
  }
}

// The id makes a repeat harmless; keepalive lets it finish after the page is left.
function post(item, isFinal = false) {
  const body = JSON.stringify({ client_message_id: item.id, text: item.text });
  return call("POST", "/api/chat/messages", { body, keepalive: bytes(body) <= KEEPALIVE_BYTES, isFinal });
}

function read() {
  try {
    const items = JSON.parse(shelf().getItem(KEY) ?? "[]");
    return items.filter((item) => typeof item?.id === "string" && typeof item.text === "string");
  } catch {
    return null;
  }
}
