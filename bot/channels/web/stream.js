// Server-sent events read by fetch: an EventSource cannot carry the token of an embedded page. It ends at the first
// fault and is not opened again; the feed reads what is missing and opens another one.

import { access } from "./frame.js";

export class Stream {
  // on.open(); on.data(text) for each event; on.end() when it ended by itself.
  constructor(path, on) {
    this.isOpen = true;
    this.stopper = new AbortController();
    this.run(path, on);
  }

  close() {
    this.isOpen = false;
    this.stopper.abort();
  }

  async run(path, on) {
    try {
      const answer = await fetch(path, { ...access(), cache: "no-store", signal: this.stopper.signal }).catch(() => null);
      if (answer?.status === 200) {
        on.open();
        await this.read(answer.body.getReader(), on.data);
      }
    } finally {
      if (this.isOpen) {
        this.isOpen = false;
        on.end();
      }
    }
  }

  async read(reader, hand) {
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read().catch(() => ({ done: true })); // the network broke, or we closed it
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop();
      for (const line of lines) if (line.startsWith("data: ")) hand(line.slice(6));
    }
  }
}
