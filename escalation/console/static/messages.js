// Draws the conversation: each message once, in order; evidence is marked where the screening saw it.

import { put } from "./alarm.js";
import { drawFiles } from "./files.js";
import { make } from "./make.js";

export const COLOURS = ["绿", "蓝", "黄", "橙", "红"];
const AUTHORS = { visitor: "来访者", bot: "机器人", counsellor: "值班老师", system: "系统" };
const KINDS = { voice: "语音", image: "图片", video: "视频", sticker: "表情", place: "位置", file: "文件", unknown: "未知消息" };
const UNREAD = new Set(["voice", "image", "video", "file"]); // without words no machine reads them
const NEAR_END_PX = 80;
const times = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});
const today = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", dateStyle: "short" });

export function clockOf(iso) {
  const at = new Date(iso);
  const whole = times.format(at);
  return today.format(at) === today.format(new Date()) ? whole.split(" ").at(-1) : whole;
}

// Evidence offsets count characters (code points); a JS string counts UTF-16 units, so split first.
export function markedText(text, spans) {
  const whole = document.createDocumentFragment();
  const chars = Array.from(text);
  const sorted = spans.filter((s) => s.end > s.start).sort((a, b) => a.start - b.start);
  let at = 0;
  for (let i = 0; i < sorted.length; i += 1) {
    const start = Math.max(at, sorted[i].start);
    let { end } = sorted[i];
    while (sorted[i + 1]?.start <= end) end = Math.max(end, sorted[(i += 1)].end);
    if (end <= start) continue;
    whole.append(chars.slice(at, start).join(""), make("mark", "", chars.slice(start, end).join("")));
    at = end;
  }
  whole.append(chars.slice(at).join(""));
  return whole;
}

function why(message) {
  const colour = COLOURS[message.level];
  const told = new Map(message.reasons.map((reason) => [`${reason.rule} ${reason.level} ${reason.scope}`, reason])); // a rule may match twice
  const lines = [...told.values()].map((reason) => {
    const line = make("li");
    const isCause = reason.level === message.level_label && message.level > 0;
    const head = reason.scope ? `已按“${reason.scope}”降级为“${reason.level}”：` : isCause ? `为什么是${colour}色：` : `还看到（${reason.level}）：`;
    line.append(head, reason.says, make("span", "rule", `（${reason.rule}）`));
    return line;
  });
  if (message.failed) lines.unshift(make("li", "", "这条消息自动筛查出错，按高风险处理，请人工判断"));
  if (message.lame) lines.push(make("li", "", message.lame));
  if (message.score !== null && lines.length) lines.push(make("li", "muted", `文字模型估计高风险的可能：${Math.round(message.score * 100)}%`));
  if (message.categories.length) lines.push(make("li", "", `涉及：${message.categories.join("、")}`));
  if (!lines.length) return null;
  const list = make("ul", "why");
  list.append(...lines.slice(0, 4));
  if (lines.length > 4) {
    const rest = make("details");
    const more = make("ul");
    more.append(...lines.slice(4));
    rest.append(make("summary", "", `还有 ${lines.length - 4} 条依据`), more);
    const item = make("li");
    item.append(rest);
    list.append(item);
  }
  return list;
}

function draw(message) {
  const node = make("li", `message from-${message.author}`);
  node.dataset.seq = message.seq;
  const head = make("p", "message-head");
  head.append(make("b", "", message.who || (AUTHORS[message.author] ?? message.author)), " ");
  const time = make("time", "muted", clockOf(message.at));
  time.dateTime = message.at;
  head.append(time);
  if (message.level > 0 || message.failed) {
    const chip = make("span", "level small-level", `${COLOURS[message.level]}·${message.level_label}`);
    chip.dataset.level = message.level;
    head.append(" ", chip);
  }
  const isUnread = message.author === "visitor" && UNREAD.has(message.kind) && !message.text && !message.heard;
  if (isUnread) head.append(" ", make("span", "badge", "机器读不了，请人工查看"));
  const body = make("p", "message-text");
  if (message.kind !== "text") body.append(make("span", "kind", `[${KINDS[message.kind] ?? message.kind}] `));
  body.append(markedText(message.text, message.heard ? [] : message.reasons));
  node.append(head, body);
  if (message.files.length) node.append(drawFiles(message.files));
  if (message.heard) node.append(heardText(message));
  const reasons = why(message);
  if (reasons) node.append(reasons);
  return node;
}

function heardText(message) {
  const node = make("p", "heard");
  node.append(make("span", "heard-mark", "机器转写，可能有误"), " ", markedText(message.heard, message.reasons));
  return node;
}

// A file arrived or was heard meanwhile; what is being played goes on.
function redraw(node, message) {
  const fresh = draw(message);
  const files = node.querySelector(".files");
  const freshFiles = fresh.querySelector(".files");
  if (!files || files.dataset.key !== freshFiles?.dataset.key) return node.replaceChildren(...fresh.childNodes);
  const parts = [...fresh.childNodes];
  const at = parts.indexOf(freshFiles);
  for (const part of [...node.childNodes]) if (part !== files) part.remove();
  files.before(...parts.slice(0, at));
  return files.after(...parts.slice(at + 1));
}

export class Talk {
  // `page`: where the button for older messages is, how a page of them is read, who wants to know what came.
  constructor(list, toEnd, page) {
    this.list = list;
    this.toEnd = toEnd;
    this.page = page;
    this.first_seq = Infinity;
    this.reading = null;
    this.seen = new Map(); // id -> as it was drawn
    this.last_seq = 0;
    this.last_visitor = "";
    toEnd.addEventListener("click", () => this.scrollToEnd());
    page.button.addEventListener("click", () => this.older());
    this.wasAtEnd = true;
    list.addEventListener("scroll", () => ((this.wasAtEnd = this.isAtEnd()), this.wasAtEnd && (toEnd.hidden = true)), { passive: true });
    new ResizeObserver(() => this.wasAtEnd && this.scrollToEnd()).observe(list); // a turned tablet, a notice above the reply
  }

  isAtEnd() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_END_PX;
  }

  scrollToEnd() {
    this.list.scrollTop = this.list.scrollHeight;
    this.toEnd.hidden = true;
  }

  // Reads the messages before the first one, a page at a time; true when some came.
  older() {
    if (this.first_seq <= 1) return Promise.resolve(false);
    this.reading ??= this.readOlder().finally(() => (this.reading = null));
    return this.reading;
  }

  async readOlder() {
    const { button, read, came } = this.page;
    put(button, "正在读更早的消息");
    try {
      const messages = await read(this.first_seq);
      const below = this.list.scrollHeight - this.list.scrollTop;
      this.merge(messages);
      this.list.scrollTop = this.list.scrollHeight - below; // what was in sight stays there
      put(button, "更早的消息");
      came(messages);
      return messages.length > 0;
    } catch (problem) {
      put(button, `没有读到更早的消息，点这里再试（${problem.message}）`);
      return false;
    }
  }

  // Brings one message into sight, however long ago it was.
  async show(seq) {
    while (this.first_seq > seq && (await this.older()));
    const node = this.list.querySelector(`[data-seq="${seq}"]`);
    if (!node) return;
    node.scrollIntoView({ block: "center" });
    node.classList.remove("called");
    requestAnimationFrame(() => node.classList.add("called"));
  }

  // Adds what is new and draws again what changed; returns what is new.
  merge(messages) {
    const follows = this.isAtEnd();
    const fresh = messages.filter((message) => !this.seen.has(message.id));
    for (const message of messages) {
      const drawn = JSON.stringify(message);
      if (this.seen.get(message.id) === drawn) continue;
      if (this.seen.has(message.id)) redraw(this.list.querySelector(`[data-seq="${message.seq}"]`), message);
      this.seen.set(message.id, drawn);
    }
    let hasNews = false;
    const ended = this.list.querySelector(".pending"); // own words on their way stay at the end
    for (const message of fresh) {
      const isLast = message.seq > this.last_seq;
      const next = isLast ? ended : [...this.list.children].find((node) => Number(node.dataset.seq ?? Infinity) > message.seq);
      this.list.insertBefore(draw(message), next ?? null);
      this.last_seq = Math.max(this.last_seq, message.seq);
      this.first_seq = Math.min(this.first_seq, message.seq);
      if (isLast && message.author === "visitor") this.last_visitor = message.id;
      hasNews ||= isLast;
    }
    this.page.button.hidden = this.first_seq <= 1 || this.first_seq === Infinity;
    if (follows && hasNews) this.scrollToEnd();
    else if (hasNews) this.toEnd.hidden = false;
    return fresh;
  }

  // A reply on its way: shown until it comes back as a message.
  pending(reply, putBack) {
    let node = this.list.querySelector(`[data-reply="${reply.id}"]`);
    if (!node) {
      node = make("li", "message from-counsellor pending");
      node.dataset.reply = reply.id;
      node.append(make("p", "message-head"), make("p", "message-text", reply.text));
      this.list.append(node);
      this.scrollToEnd();
    }
    put(node.firstChild, reply.problem ? `没有发出：${reply.problem}` : reply.tries > 1 ? "发送中（正在重试）" : "发送中");
    node.classList.toggle("failed", Boolean(reply.problem));
    if (reply.problem && !node.querySelector("button")) {
      const button = make("button", "", "放回输入框");
      button.type = "button";
      button.addEventListener("click", () => putBack(reply));
      node.append(button);
    }
  }

  settle(id) {
    this.list.querySelector(`[data-reply="${id}"]`)?.remove();
  }
}
