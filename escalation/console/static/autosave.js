// Saves fields while they are typed. What the server does not have yet stays in this tab's storage; every save says
// which version it was based on, so that nobody's words are overwritten unseen.

import { post, SignedOut } from "./http.js";

const PAUSE_MS = 400; // from the first unsaved stroke: a killed browser loses no more
const WAITS_MS = [1000, 2000, 4000, 8000, 15_000];

export class Autosave {
  // `on`: saved(key, entry), clash(key, theirs, mine), refused(key, words), state() after any change of what is unsaved.
  constructor(url, storageKey, on) {
    this.url = url;
    this.storageKey = storageKey;
    this.on = on;
    this.pending = new Map(Object.entries(JSON.parse(sessionStorage.getItem(storageKey) ?? "{}"))); // key -> change
    this.timers = new Map();
    this.flying = new Map(); // key -> the save under way
    this.failures = 0;
    this.isOut = false;
    addEventListener("online", () => this.flush());
    document.addEventListener("visibilitychange", () => document.hidden && this.flush());
    for (const key of this.pending.keys()) this.soon(key, 0);
  }

  get isDirty() {
    return this.pending.size > 0;
  }

  has(key) {
    return this.pending.has(key);
  }

  keep() {
    if (this.pending.size) sessionStorage.setItem(this.storageKey, JSON.stringify(Object.fromEntries(this.pending)));
    else sessionStorage.removeItem(this.storageKey);
    this.on.state();
  }

  // change: {value, missing, based_on, message_id}; what was typed before is replaced, its version stays.
  change(key, change) {
    const before = this.pending.get(key);
    this.pending.set(key, { ...change, based_on: change.based_on ?? before?.based_on ?? 0 });
    this.keep();
    this.soon(key, PAUSE_MS);
  }

  // Mine is given up: the server's words stand.
  drop(key) {
    this.pending.delete(key);
    this.keep();
  }

  // Mine is written over theirs, on purpose.
  insist(key, change, version) {
    this.pending.set(key, { ...change, based_on: version });
    this.keep();
    this.soon(key, 0);
  }

  soon(key, wait_ms) {
    if (this.timers.has(key)) return; // the first stroke counts, or a fast typist would never be saved
    this.timers.set(key, setTimeout(() => (this.timers.delete(key), this.save(key)), wait_ms));
  }

  flush() {
    for (const key of this.pending.keys()) this.save(key);
  }

  // Everything that can be saved is saved; false when something is left (no network, or a question is open).
  async settle() {
    for (let round = 0; round < 3 && this.isDirty; round += 1) {
      this.flush();
      await Promise.all(this.flying.values());
    }
    return !this.isDirty;
  }

  save(key) {
    const change = this.pending.get(key);
    if (!change || change.held || this.isOut) return;
    if (this.flying.has(key)) return; // it looks again when it comes back
    this.flying.set(key, this.send(key, change).finally(() => {
      this.flying.delete(key);
      const left = this.pending.get(key);
      if (left && left !== change && !left.held) this.soon(key, 0);
    }));
  }

  async send(key, change) {
    const { value, missing, based_on, message_id } = change;
    let said;
    try {
      said = await post(`${this.url}/${key}`, { value, missing, based_on, message_id: message_id ?? "" });
    } catch (error) {
      return this.failed(key, change, error);
    }
    this.failures = 0;
    const left = this.pending.get(key);
    if (!said.saved) {
      if (left) {
        left.held = true; // until a person decides
        this.keep();
        this.on.clash(key, said.entry, left);
      }
      return undefined;
    }
    if (left === change) this.pending.delete(key);
    else if (left) left.based_on = Math.max(left.based_on, said.entry.version);
    this.keep();
    this.on.saved(key, said.entry);
    return undefined;
  }

  failed(key, change, error) {
    if (error instanceof SignedOut) {
      this.isOut = true;
      this.on.refused(key, `${error.message}；写的话还在，登录后会接着保存`);
    } else if (error.again) {
      this.on.refused(key, `${error.message}；写的话还在，正在重试`);
      this.failures += 1;
      const wait_ms = WAITS_MS[Math.min(this.failures, WAITS_MS.length) - 1];
      if (this.pending.get(key) === change) setTimeout(() => this.save(key), wait_ms);
    } else {
      change.held = true; // the same words would be refused again; the next stroke tries anew
      this.keep();
      this.on.refused(key, error.message);
    }
  }
}
