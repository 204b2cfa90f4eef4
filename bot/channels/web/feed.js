// What the server has for this conversation: a stream tells of it at once, reading after the newest known number repairs
// whatever the stream lost.

import { Stream } from "./stream.js";
import { call } from "./wire.js";

const PAGE = 200; // messages the server gives at once
const POLL_S = 20;
const BACK_OFF_S = [1, 2, 4, 8, 15];

export class Feed {
  // on.message(message); on.speaker(withPerson); on.reached(yes): did the server answer; on.complete(): all is read.
  constructor(on) {
    this.on = on;
    this.last = 0; // every message up to this number has been handed on
    this.isReading = false;
    this.mustReadAgain = false;
    this.failures = 0;
    this.retry = null;
    this.stream = null;
    this.isStopped = true;
  }

  start() {
    this.isStopped = false;
    setInterval(() => !document.hidden && this.read(), POLL_S * 1000);
    this.read();
  }

  stop() {
    this.isStopped = true;
    this.stream?.close();
  }

  // A new session: its numbers begin again.
  restart() {
    this.last = 0;
    this.stream?.close();
    this.stream = null;
  }

  // Now, not at the end of the back-off.
  hurry() {
    clearTimeout(this.retry);
    this.retry = null;
    this.read();
  }

  async read() {
    if (this.isStopped) return;
    if (this.isReading) return void (this.mustReadAgain = true);
    this.isReading = true;
    do {
      this.mustReadAgain = false;
      await this.readNew();
    } while (this.mustReadAgain && !this.isStopped);
    this.isReading = false;
  }

  async readNew() {
    for (;;) {
      const { status, body } = await call("GET", () => `/api/chat/messages?after=${this.last}`);
      if (this.isStopped) return;
      if (status !== 200 || !Array.isArray(body?.messages)) {
        this.on.reached(false);
        return this.readLater();
      }
      this.failures = 0;
      for (const message of body.messages) {
        this.on.message(message);
        this.last = Math.max(this.last, message.seq);
      }
      this.on.speaker(body.with_person);
      this.on.reached(true);
      if (body.messages.length < PAGE) break;
    }
    this.on.complete();
    this.listen();
  }

  readLater() {
    if (this.retry) return;
    const seconds = BACK_OFF_S[Math.min(this.failures, BACK_OFF_S.length - 1)];
    this.failures += 1;
    this.retry = setTimeout(() => this.hurry(), seconds * 1000);
  }

  // A stream that ended is opened again after the next good reading.
  listen() {
    if (this.stream?.isOpen) return;
    this.stream = new Stream("/api/chat/events", {
      open: () => this.read(),
      end: () => this.readLater(),
      data: (text) => {
        const message = JSON.parse(text);
        this.on.message(message);
        this.on.speaker(message.with_person);
        this.note(message.seq);
      },
    });
  }

  // A number became known outside a reading; a hole before it is read.
  note(seq) {
    if (seq === this.last + 1) this.last = seq;
    else if (seq > this.last) this.read();
  }
}
