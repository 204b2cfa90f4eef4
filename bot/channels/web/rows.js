// The conversation on the screen. Rows are added in place and never rebuilt; each stored message has one row, known by
// its id; what is not stored yet stays at the end. Words of others reach the page as text nodes only.

const SPEAKER = { bot: "机器人", counsellor: "真人老师", visitor: "您" };
const STATE = { sending: "发送中", failed: "未送达，正在重试", stored: "已送达" };
const NEAR_PX = 80;
const MARKS = ["有帮助", "没帮助"]; // they speak of the newest answer, and once

export class Rows {
  constructor(log, newer, numbers, choose) {
    this.log = log;
    this.newer = newer;
    this.numbers = new Set(numbers);
    this.choose = choose;
    this.era = 0; // grows when the server gives a new session: its numbers begin again
    this.stored = new Map(); // message id -> row
    this.waiting = new Map(); // client id -> row
    this.seen = new Set(); // client ids whose message came back before the answer to sending it
    this.isNear = true;
    log.addEventListener("scroll", () => this.noticeScroll(), { passive: true });
    newer.addEventListener("click", () => this.toEnd());
    if ("ResizeObserver" in window) new ResizeObserver(() => this.isNear && this.toEnd()).observe(log);
  }

  // A message of the server. `items` are our own texts still under way: one of them may be this message.
  add(message, items) {
    if (this.stored.has(message.id)) return;
    const own = message.author === "visitor" && items.find(
      (item) => item.isTried && item.text === message.text && message.seq > item.after && this.waiting.has(item.id),
    );
    if (own) this.seen.add(own.id);
    if (own) return this.adopt(own.id, message);
    this.place(this.build(message), message);
  }

  // Our own text, not stored yet.
  wait(item, hasFailed) {
    if (this.seen.has(item.id)) return;
    let row = this.waiting.get(item.id);
    if (!row) {
      row = this.build({ author: "visitor", text: item.text });
      this.waiting.set(item.id, row);
      this.log.append(row);
      this.toEnd();
    }
    if (hasFailed || !row.classList.contains("failed")) mark(row, hasFailed ? "failed" : "sending");
  }

  // The server has stored it: the row takes its place, or gives way when the message is already here.
  settle(item, id, seq) {
    if (this.stored.has(id)) return this.forget(item);
    const message = { id, seq, author: "visitor", text: item.text, at: new Date().toISOString() };
    if (this.waiting.has(item.id)) this.adopt(item.id, message);
    else this.place(this.build(message), message);
  }

  forget(item) {
    this.waiting.get(item.id)?.remove();
    this.waiting.delete(item.id);
  }

  // A new session: its messages come after all that is here.
  beginEra(text) {
    this.era += 1;
    const row = element("p", "note", text);
    row.dataset.place = String(this.era * 1e9);
    if (this.stored.size) this.insert(row, this.era * 1e9);
  }

  clear() {
    this.log.replaceChildren();
  }

  adopt(clientId, message) {
    const row = this.waiting.get(clientId);
    this.waiting.delete(clientId);
    setTime(row.querySelector("time"), message.at);
    this.place(row, message);
  }

  place(row, message) {
    if (message.article || MARKS.includes(message.text)) this.endMarks(row);
    const place = this.era * 1e9 + message.seq;
    row.dataset.place = String(place);
    this.stored.set(message.id, row);
    if (message.author === "visitor") mark(row, "stored");
    this.insert(row, place);
  }

  insert(row, place) {
    const wasNear = this.isNear;
    const isAfter = (other) => other.classList.contains("waiting") || Number(other.dataset.place ?? 0) > place;
    let before = this.log.lastElementChild;
    while (before && (before === row || isAfter(before))) before = before.previousElementSibling;
    const next = before ? before.nextSibling : this.log.firstChild;
    if (row !== next) this.log.insertBefore(row, next);
    if (!wasNear) this.newer.hidden = row.classList.contains("visitor");
    else if (row.offsetHeight > this.log.clientHeight) row.scrollIntoView({ block: "start" });
    else this.toEnd();
  }

  build({ author, text, at, choices = [] }) {
    if (author === "system") {
      const note = element("p", "note");
      note.append(...this.words(text));
      return note;
    }
    const row = element("div", `row ${author in SPEAKER ? author : "bot"}`);
    const head = element("p", "head");
    const time = element("time", "");
    setTime(time, at);
    head.append(element("span", "name", SPEAKER[author] ?? SPEAKER.bot), time);
    const bubble = element("div", "bubble");
    for (const part of paragraphs(text)) {
      const line = element("bdi", part.startsWith("来源：") && author !== "visitor" ? "source" : "said");
      line.append(...(author === "visitor" ? [part] : this.words(part)));
      bubble.append(line);
    }
    row.append(head, bubble);
    if (author === "visitor") row.append(element("p", "state"));
    if (choices.length) row.append(this.offer(choices));
    return row;
  }

  endMarks(row) {
    for (const button of this.log.querySelectorAll(".choice.mark")) if (!row.contains(button)) button.parentElement.remove();
  }

  offer(choices) {
    const list = element("ul", "choices");
    for (const { label, text } of choices) {
      const button = element("button", "button choice", label);
      button.type = "button";
      button.classList.toggle("mark", MARKS.includes(text));
      button.addEventListener("click", () => this.choose(text));
      const line = document.createElement("li");
      line.append(button);
      list.append(line);
    }
    return list;
  }

  // Text with the hotline's own numbers as links that dial.
  words(text) {
    return text.split(/(\d[\d-]+\d)/).filter(Boolean).map((part) => {
      if (!this.numbers.has(part)) return part;
      const link = element("a", "", part);
      link.href = `tel:${part}`;
      return link;
    });
  }

  noticeScroll() {
    this.isNear = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_PX;
    if (this.isNear) this.newer.hidden = true;
  }

  toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
    this.isNear = true;
    this.newer.hidden = true;
  }
}

function mark(row, state) {
  row.classList.toggle("waiting", state !== "stored");
  row.classList.toggle("failed", state === "failed");
  const line = row.querySelector(".state");
  if (line.textContent !== STATE[state]) line.textContent = STATE[state];
}

function paragraphs(text) {
  const at = text.lastIndexOf("\n来源：");
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

// Times are shown as in the hotline's own zone, whatever the phone is set to.
const clock = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
const day = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", month: "numeric", day: "numeric" });

function setTime(time, at) {
  const date = new Date(at ?? Date.now());
  if (Number.isNaN(date.getTime())) return;
  const isToday = day.format(date) === day.format(new Date());
  time.dateTime = date.toISOString();
  time.textContent = isToday ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`;
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
