// What rings and flashes while somebody waits: the strip under the header, the title, sound, desktop notes.
// No word of a visitor ever gets here: only levels, counts and times.

import { isHeard, loudest } from "./care-marks.js";
import * as sound from "./sound.js";
import { span } from "./span.js";

export { span } from "./span.js";
const MUTE_MS = 60_000;
const QUIET_MS = 4000; // a flood is told in one sentence, not in a thousand
const SOUND_KEY = "xindeng-sound";
const MUTE_KEY = "xindeng-mute-until";
const NAMES = ["", "低", "中", "高", "紧急"];
const realOnes = (rows) => (rows.some((row) => !row.is_drill) ? rows.filter((row) => !row.is_drill) : rows); // drills only when nobody real is there
const part = (id) => document.getElementById(id);
const calmMotion = matchMedia("(prefers-reduced-motion: reduce)");

export class Alarm {
  constructor() {
    this.title = document.title;
    this.known = null; // case id -> what was told of it; null before the first rows
    this.fresh = [0, 0, 0, 0, 0]; // new alarms by level, not yet told
    this.freshLost = 0; // of these, somebody serves the case and is silent, or words did not arrive
    this.told_at = -QUIET_MS;
    this.waiting = [];
    this.unreached = [];
    this.cared = []; // in rescue or overdue: seen in the strip by all
    this.heard = null; // of these, what rings here; null before the first rows
    this.beyond = 0;
    this.state = "lost";
    this.lost_at = Date.now();
    this.wireSound();
    this.wireNotes();
    setInterval(() => this.tick(), 1000);
  }

  // All rows that ring, after any change: nobody serves them, their owner is silent, or words in danger did not arrive.
  update(rows) {
    const waiting = [];
    const unreached = [];
    this.cared = [];
    let beyond = 0;
    for (const row of rows) {
      if (row.hidden && !row.may_claim) {
        beyond += row.state === "new" && row.level >= 3 && !row.is_drill; // a volunteer cannot take it, and must not think that all is calm
        continue;
      }
      if (row.care) this.cared.push(row);
      if (row.state === "new") waiting.push(row);
      else if (row.ringing) unreached.push(row);
    }
    const known = new Map();
    for (const row of [...waiting, ...unreached]) {
      const what = `${row.level} ${row.raised_at} ${row.step}`;
      known.set(row.id, what);
      if (!this.known || this.known.get(row.id) === what) continue;
      this.fresh[row.level] += 1;
      if (row.state !== "new") this.freshLost += 1;
    }
    this.known = known;
    this.waiting = waiting;
    this.unreached = unreached;
    this.beyond = beyond;
    if (this.fresh.some(Boolean)) this.tell();
    this.show();
  }

  connection(state) {
    this.state = state;
    if (state === "lost") this.lost_at = Date.now();
    const chip = part("connection");
    chip.dataset.state = state;
    chip.textContent = { live: "实时连接正常", lost: "正在重连", out: "登录已失效" }[state];
    this.show();
  }

  tick() {
    if (this.fresh.some(Boolean)) this.tell();
    this.show();
    this.flash();
  }

  get deaf() {
    return this.state === "out" || (this.state === "lost" && Date.now() - this.lost_at > 8000);
  }

  get muted() {
    return Number(localStorage.getItem(MUTE_KEY) ?? 0) > Date.now();
  }

  counts(rows = this.waiting) {
    const byLevel = [0, 0, 0, 0, 0];
    for (const row of rows) byLevel[row.level] += 1;
    return byLevel;
  }

  show() {
    const byLevel = this.counts();
    const lost = realOnes(this.unreached);
    const isRed = byLevel[4] || lost.some((row) => row.level === 4);
    const rings = this.deaf ? "deaf" : isRed ? "red" : byLevel[3] || lost.length ? "orange" : "calm";
    const cared = loudest(realOnes(this.cared));
    this.heed(realOnes(this.cared).filter((row) => isHeard(row, document.body.dataset)));
    const sounds = this.heard?.length && rings !== "deaf" ? "red" : rings; // all at once ring as one
    const kind = !cared || ["deaf", "red"].includes(rings) ? rings : cared.isRed ? "red" : "orange";
    const urgent = this.waiting.filter((row) => row.level >= 3);
    const told = realOnes(urgent);
    const byTold = this.counts(told);
    const level = byTold[4] ? 4 : 3;
    const strip = part("strip");
    let words = this.known ? "没有无人接手的紧急个案" : "正在查看有没有无人接手的紧急个案…";
    if (this.beyond) words = `有 ${this.beyond} 个紧急个案在等接线员，请提醒身边的老师`;
    let first = null;
    if (told.length) {
      for (const row of told) {
        if (row.level === level && (!first || Date.parse(row.raised_at) < Date.parse(first.raised_at))) first = row;
      }
      const more = level === 4 && byTold[3] ? `；橙·高 ${byTold[3]} 个` : "";
      const drills = urgent.length - told.length;
      const also = drills ? `；另有演练 ${drills} 个` : told[0].is_drill ? "（演练）" : "";
      words = `${level === 4 ? "红·紧急" : "橙·高"}：${byTold[level]} 个个案无人接手${more}，最久已等 ${span(first.raised_at)}${also}`;
    }
    if (lost.length) {
      const called = lost.filter((row) => row.relief).length;
      const failed = lost.length - called;
      const parts = [called ? `${called} 个个案的老师没有回应，请打开接过去` : "", failed ? `${failed} 个个案的话没有送达来访者，请打电话或换渠道联系` : ""];
      const also = parts.filter(Boolean).join("；");
      words = first ? `${words}；另有 ${also}` : also;
      first ??= lost.reduce((a, b) => (Date.parse(a.raised_at) <= Date.parse(b.raised_at) ? a : b));
    }
    if (cared) {
      words = rings === "calm" ? cared.words : `${words}；${cared.words}`;
      first ??= cared.first;
    }
    if (this.state === "out") words = "登录已失效：现在收不到新的警报，请重新登录";
    else if (this.deaf) words = `连接断开：现在收不到新的警报，请看其他屏幕或电话值守。${words}`;
    strip.dataset.kind = kind;
    put(part("strip-text"), words);
    const link = part("strip-link");
    link.hidden = !first && this.state !== "out";
    put(link, this.state === "out" ? "重新登录" : rings === "calm" && cared ? "打开个案" : "打开等得最久的一个");
    const where = this.state === "out" ? "/console/sign-in" : first ? `/console/cases/${first.id}` : "/console";
    if (link.getAttribute("href") !== where) link.setAttribute("href", where);
    const call = part("strip-oncall");
    call.hidden = ![...this.waiting, ...lost].some((row) => row.rung === "外部值守" && !row.is_drill); // nobody is phoned for a drill
    put(call, `请立即电话通知外部值守：${strip.dataset.oncall || "（姓名和电话见值班表）"}`);
    sound.loop(this.muted || sounds === "calm" ? "" : sounds === "deaf" ? "lost" : sounds);
    const mute = part("mute");
    mute.hidden = sounds === "calm";
    put(mute, this.muted ? `已静音 ${Math.ceil((Number(localStorage.getItem(MUTE_KEY)) - Date.now()) / 1000)} 秒` : "静音 60 秒");
    this.showSound();
  }

  // Tell of new alarms once, together.
  tell() {
    if (performance.now() - this.told_at < QUIET_MS) return;
    this.told_at = performance.now();
    const level = this.fresh.findLastIndex?.(Boolean) ?? 4 - [...this.fresh].reverse().findIndex(Boolean);
    const count = this.fresh[level];
    const lost = this.freshLost;
    this.fresh = [0, 0, 0, 0, 0];
    this.freshLost = 0;
    if (level < 2) return;
    const words = `${NAMES[level]}：${count} 个个案${lost ? `需要处理，其中 ${lost} 个已有人接手，但没有回应或话没有送达` : "等待接手"}`;
    if (level >= 3 && this.muted) sound.once("burst"); // a new danger is heard even while the old one is muted
    else if (level === 2) sound.once("soft");
    this.announce(words);
  }

  // A rescue or its decision began to ring here while the page was open: told once, also while the alarm is muted.
  heed(heard) {
    const known = this.heard && new Set(this.heard.map((row) => row.id));
    const fresh = known ? heard.filter((row) => !known.has(row.id)) : [];
    if (this.known) this.heard = heard;
    if (!fresh.length) return;
    if (this.muted) sound.once("burst");
    this.announce(loudest(fresh).words);
  }

  announce(words) {
    part("announce").textContent = words;
    setTimeout(() => (part("announce").textContent = ""), QUIET_MS - 500);
    if (!document.hasFocus() && window.Notification?.permission === "granted") this.note(words);
  }

  note(words) {
    try {
      const note = new Notification("值班台", { body: words, tag: "xindeng-alarm", renotify: true, requireInteraction: true });
      note.addEventListener("click", () => {
        window.focus();
        note.close();
      });
    } catch {
      // some browsers allow notes only from a service worker; sound and title remain
    }
  }

  flash() {
    const byLevel = this.counts();
    const urgent = byLevel[4] ? `(${byLevel[4]}) 紧急 · ` : byLevel[3] ? `(${byLevel[3]}) 高 · ` : this.unreached.length ? `${this.unreached.some((row) => row.relief) ? "老师没有回应" : "有话没有送达"} · ` : this.heard?.length ? "救援 · " : "";
    const prefix = this.state === "out" ? "已退出登录 · " : this.deaf ? "连接断开 · " : urgent;
    this.beat = !this.beat;
    const title = prefix && (this.beat || calmMotion.matches) ? prefix + this.title : this.title;
    if (document.title !== title) document.title = title;
  }

  wireSound() {
    const changed = () => this.showSound();
    const turnOn = () => sound.turnOn(changed);
    part("sound").addEventListener("click", async () => {
      localStorage.setItem(SOUND_KEY, "on");
      await turnOn();
      sound.once("soft"); // so that one hears that it works
    });
    if (localStorage.getItem(SOUND_KEY) === "on") {
      turnOn();
      for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => sound.isOn() || turnOn());
    }
    part("mute").addEventListener("click", () => {
      localStorage.setItem(MUTE_KEY, String(this.muted ? 0 : Date.now() + MUTE_MS));
      this.show();
    });
  }

  showSound() {
    const button = part("sound");
    put(button, sound.isOn() ? "声音已开启" : "开启声音");
    button.dataset.state = sound.isOn() ? "on" : "off";
    button.title = sound.isOn() ? "点一下试听" : "浏览器要求先点一下，之后有紧急个案才会响铃";
    document.body.dataset.ringing = sound.ringing();
  }

  wireNotes() {
    const button = part("notify");
    const show = () => (button.hidden = !window.Notification || Notification.permission !== "default");
    button.addEventListener("click", () => Notification.requestPermission().then(show));
    show();
  }
}

export const put = (node, words) => node.textContent !== words && (node.textContent = words);
