// The reply box: nothing typed is ever lost, nothing is ever sent twice.
// A reply has a random id; after a network failure the same id is sent again, and the server keeps it once.

import { keep, kept } from "./drafts.js";
import { post, SignedOut } from "./http.js";

const WAITS_MS = [1000, 2000, 4000, 8000, 15_000];

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class ReplyBox {
  constructor(form, caseId, talk, onSignedOut) {
    this.form = form;
    this.text = form.querySelector("textarea");
    this.error = form.querySelector(".error");
    this.url = `/console/cases/${caseId}/reply`;
    this.draftKey = `draft:${caseId}`;
    this.pendingKey = `pending:${caseId}`;
    this.talk = talk;
    this.onSignedOut = onSignedOut;
    this.queue = JSON.parse(sessionStorage.getItem(this.pendingKey) ?? "[]"); // {id, text, after, sent, problem, tries}
    this.busy = false;
    this.text.value = kept(this.draftKey) ?? "";
    this.text.addEventListener("input", () => this.keepDraft());
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.submit();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    addEventListener("online", () => this.run());
    for (const reply of this.queue) this.show(reply);
    this.run();
  }

  get isDirty() {
    return this.queue.some((reply) => !reply.sent && !reply.problem);
  }

  keepDraft() {
    const unsent = this.queue.filter((reply) => !reply.sent).map((reply) => reply.text);
    keep(this.draftKey, this.text.value, [...unsent, this.text.value].filter(Boolean).join("\n"));
  }

  keepQueue() {
    sessionStorage.setItem(this.pendingKey, JSON.stringify(this.queue));
  }

  insert(words) {
    const { selectionStart, selectionEnd, value } = this.text;
    const gap = selectionStart > 0 && value[selectionStart - 1] !== "\n" ? "\n" : "";
    this.text.setRangeText(gap + words, selectionStart, selectionEnd, "end");
    this.keepDraft();
    this.text.focus();
  }

  submit() {
    const text = this.text.value;
    this.error.textContent = "";
    if (!text.trim()) {
      this.error.textContent = "回复不能是空的";
      return;
    }
    const reply = { id: newId(), text, after: this.talk.last_seq, sent: false, problem: "", tries: 0 };
    this.queue.push(reply);
    this.keepQueue(); // kept before the box is emptied
    this.text.value = "";
    this.keepDraft();
    this.show(reply);
    this.run();
  }

  show(reply) {
    this.talk.pending(reply, () => this.putBack(reply));
  }

  putBack(reply) {
    this.remove(reply);
    this.insert(reply.text);
  }

  remove(reply) {
    this.queue = this.queue.filter((other) => other !== reply);
    this.keepQueue();
    this.talk.settle(reply.id);
  }

  // One at a time, in order.
  async run() {
    if (this.busy) return;
    this.busy = true;
    for (let reply; (reply = this.queue.find((other) => !other.sent && !other.problem)); ) {
      reply.tries += 1;
      this.show(reply);
      try {
        await post(this.url, { text: reply.text, reply_id: reply.id });
        reply.sent = true;
      } catch (error) {
        if (error instanceof SignedOut) {
          this.error.textContent = `${error.message}；您写的话还在，登录后会继续发送`;
          this.onSignedOut();
          break;
        }
        if (error.again) {
          this.error.textContent = `${error.message}，正在自动重试`;
          await this.wait(WAITS_MS[Math.min(reply.tries, WAITS_MS.length) - 1]);
          continue;
        }
        reply.problem = error.message; // for example: the case moved on; the counsellor decides what to do
      }
      this.error.textContent = "";
      if (!this.queue.includes(reply)) continue; // the stream was faster than the answer
      this.keepQueue();
      this.keepDraft(); // what has arrived is no draft any more
      this.show(reply);
    }
    if (!this.isDirty) this.error.textContent = "";
    this.busy = false;
  }

  wait(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      addEventListener("online", () => (clearTimeout(timer), resolve()), { once: true });
    });
  }

  // Own replies among new messages: they have arrived.
  arrived(messages, ownName) {
    for (const message of messages) {
      if (message.author !== "counsellor" || message.who !== ownName) continue;
      const reply = this.queue.find((other) => other.text === message.text && message.seq > other.after);
      if (reply) this.remove(reply);
    }
  }

  // The channel gave up on a reply.
  undelivered(id) {
    const reply = this.queue.find((other) => other.id === id);
    if (!reply) return;
    reply.problem = "来访者的渠道没有收下";
    this.keepQueue();
    this.show(reply);
  }
}
