// One case: the conversation grows in place, the forms never lose what is typed in them.

import { Alarm, put, span } from "./alarm.js";
import { bell } from "./bell.js";
import { drawFollowUps } from "./care.js";
import { careWords, isLoud } from "./care-marks.js";
import { drawLaw } from "./case_law.js";
import { drawClosing } from "./closing.js";
import { drawColleagues, tickColleagues } from "./colleagues.js";
import { drawHistory, Timeline } from "./history.js";
import { forgetForm, keepForm } from "./drafts.js";
import { getJson, onActivity, post, Refused, SignedOut } from "./http.js";
import { make } from "./make.js";
import { COLOURS, Talk } from "./messages.js";
import { showLost } from "./lost.js";
import { drawPerson, reachWarning } from "./person.js";
import { drawPlan } from "./plan.js";
import { Record } from "./record.js";
import { drawPractice } from "./practice.js";
import { drawReferrals, startReferrals } from "./referral.js";
import { ReplyBox } from "./reply.js";
import { drawRescue, tickRescue } from "./rescue.js";
import { drawSafeguarding, startSafeguarding, tickSafeguarding } from "./safeguarding_tab.js";
import { drawShares } from "./share.js";
import { drawSteppingIn, tickSteppingIn } from "./stepping_in.js";
import { openStream } from "./stream.js";
import { startTabs } from "./tabs.js";

const part = (id) => document.getElementById(id);
const page = part("case");
const id = page.dataset.id;
const url = `/console/cases/${id}`;
const { me, name } = document.body.dataset;
const roles = document.body.dataset.roles.split(" ");
const isLead = roles.includes("duty_lead") || roles.includes("supervisor");
const isVolunteer = roles.every((role) => role === "volunteer");
const isSupervisor = roles.includes("supervisor");
const LONGEST_TIMER_MS = 2 ** 31 - 1; // a longer one would ring at once
const READ_THE_RECORD = new Set(["close", "closing/submit", "safety-plan"]); // these wait for what was just typed
const others = new Map(); // rows of the whole queue, for the alarm
const alarm = new Alarm();
const talk = new Talk(part("messages"), part("to-end"), {
  button: part("older"),
  read: async (before) => (await getJson(`${url}/messages.json?before=${before}`)).messages,
  came: (older) => {
    shown = { ...shown, messages: [...older, ...shown.messages] };
    drawRescue(shown, () => talk.older());
  },
});
let shown = JSON.parse(page.dataset.state);
const timeline = new Timeline(url);
const record = new Record(id, me, { insert: (words) => reply.insert(words), toMessage: (seq) => talk.show(seq), redact: askRedaction });
let reply = null;
let closing = 0; // the timer that looks again when the platform's window is over
delete page.dataset.state;

// ---- what may be done now; the server decides again
function rights({ row, person, is_owner, proposal, colleagues }) {
  const byOther = ["in_service", "rescue"].includes(row.state) && !is_owner;
  const open = !row.has_ended;
  const mayWork = open && (!byOther || isLead);
  return {
    claim: ["new", "waiting_user", "follow_up"].includes(row.state) || (row.state === "closing" && (row.owner_id === me || row.ringing)),
    reply: is_owner || colleagues.has_joined,
    "level-card": mayWork,
    "note-form": mayWork,
    "plan-form": !isVolunteer,
    proposal: open && Boolean(proposal),
    decision: isLead && proposal && proposal.by_id !== me,
    release: is_owner && row.state !== "rescue" && !row.is_practice,
    "hand-back": is_owner && row.state !== "rescue" && !row.is_practice,
    close: ["in_service", "waiting_user"].includes(row.state) && (row.owner_id === me || isSupervisor),
    suggest: is_owner || row.state === "new",
    block: isLead && !person.is_blocked,
    unblock: isLead && person.is_blocked,
    reveal: person.is_masked && (isLead || roles.includes("counsellor")),
  };
}

function ownerWords({ row, is_owner, colleagues }) {
  if (row.has_ended) return `个案${row.state_label}，不能再回复；记录单还可以补填。`;
  if (row.state === "follow_up") return "已有结案记录，在随访中；机器人在和来访者说话。要在对话里和他说话，先接手。";
  if (row.state === "closing") return `${row.owner_id === me ? "您" : row.owner}已提交结案，等督导签字；机器人在和来访者说话，有新的危险会重新响铃。`;
  if (colleagues.has_joined) return `您和${row.owner}都在这个对话里，都可以回复来访者。`;
  if (row.state === "rescue") return `救援中，${is_owner ? "由您" : `由${row.owner || "另一位老师"}`}继续和来访者说话。填结果、由督导确认后才能结案。`;
  if (is_owner) return "您正在服务这个个案，机器人已停止说话。";
  if (row.state === "in_service") return `${row.owner || "另一位老师"}正在服务这个个案，${isLead ? "您不能回复，可以调整等级、写备注" : "您现在是只读"}。`;
  if (row.state === "waiting_user") return `已交还机器人，${row.owner_id === me ? "由您" : `由${row.owner || "接手的老师"}`}结案；也可以再次接手。`;
  return "还没有人接手。接手后可以回复，机器人会立刻停止说话。";
}

function draw() {
  const { row, proposal, waiting } = shown;
  const level = part("level");
  put(level, row.level_label);
  level.dataset.level = row.level;
  put(part("state"), row.state_label);
  part("drill").hidden = !row.is_drill;
  drawPractice(shown);
  part("lost").hidden = !row.has_lost_words;
  const badges = [["wish", row.wish], ["rung", row.step ? `已升级到：${row.rung}` : ""], ["called", row.called], ["not-called", row.not_called]];
  for (const [key, words] of badges) {
    part(key).hidden = !words;
    put(part(key), words);
  }
  put(part("owner-line"), ownerWords(shown));
  put(part("on-way"), waiting ? `还有 ${waiting} 条话正在送往来访者` : "");
  const may = rights(shown);
  for (const [key, yes] of Object.entries(may)) part(key).hidden = !yes;
  part("finish").hidden = !(may.release || may["hand-back"] || may.close);
  const tooHigh = row.level > 1;
  part("hand-back").querySelector("button").disabled = tooHigh;
  put(part("hand-back-why"), tooHigh ? `${COLOURS[row.level]}色个案不能交还机器人，先评估并调整等级` : "");
  drawClosing(shown, isSupervisor);
  if (proposal) {
    const who = proposal.by_id === me ? "您" : proposal.by;
    const wait = may.decision ? "" : "　等待另一位老师（值班长或督导）确认。";
    put(part("proposal-text"), `${who}申请把等级从 ${proposal.from} 调低到 ${proposal.to_colour}·${proposal.to}。理由：${proposal.reason}${wait}`);
  }
  for (const input of document.querySelectorAll('input[name="level"]')) input.disabled = Number(input.dataset.level) === row.level;
  warnLowering();
  drawPerson(shown.person);
  drawColleagues(shown);
  drawSteppingIn(shown);
  drawShares(shown.share, url, refresh);
  drawLaw(shown.law);
  drawSafeguarding(shown);
  warnReach();
  clearTimeout(closing);
  if (shown.person.closes_in_s !== null) closing = setTimeout(refresh, Math.min(shown.person.closes_in_s * 1000, LONGEST_TIMER_MS));
  drawRescue(shown, () => talk.older());
  drawFollowUps(shown);
  drawHistory(shown, shown.record.may_redact ? askRedaction : null);
  record.draw(shown);
  drawPlan(shown);
  timeline.soon();
  drawReferrals(shown);
  tick();
}

function tick() {
  if (isGone) return;
  const { row } = shown;
  const clock = part("clock");
  clock.classList.toggle("late", row.is_late);
  put(part("care"), careWords(row));
  part("care").hidden = !row.care;
  part("care").classList.toggle("loud", isLoud(row));
  tickRescue();
  tickSafeguarding();
  put(clock, row.raised_at ? `已等 ${span(row.raised_at)}${row.is_late ? " 超时" : ""}` : "");
  tickColleagues(shown);
  tickSteppingIn(shown);
}

// ---- news
let reading = false;
let readAgain = false;

async function refresh() {
  readAgain = true;
  if (reading) return;
  reading = true;
  while (readAgain) {
    readAgain = false;
    try {
      const fresh = await getJson(`${url}/state.json?after=${talk.last_seq}`);
      merge(fresh);
    } catch (error) {
      if (error instanceof SignedOut) break;
      if (error instanceof Refused && error.status === 404) {
        if (isVolunteer || reply.isDirty) return leave();
        return location.reload(); // the case is shut for us: its gate says why
      }
      readAgain = true; // after a pause, until it works
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
  reading = false;
}

// A volunteer whose case was taken by a counsellor reads it no more.
let isGone = false;

function leave() {
  isGone = true;
  put(part("state"), "已由接线员接过去");
  put(part("owner-line"), "您不再服务这个个案。");
  put(part("clock"), "");
  part("called").hidden = true;
  happened("这个个案已经由接线员接过去了，谢谢您陪来访者到现在。请回到队列。");
  part("reply").hidden = true;
  for (const panel of document.querySelectorAll(".panel form, .panel details")) panel.hidden = true;
}

function merge(fresh) {
  const news = talk.merge(fresh.messages);
  shown = { ...fresh, messages: [...shown.messages, ...news] };
  reply.arrived(news, name);
  if (news.some((message) => message.author === "visitor")) suggestSoon();
  draw();
}

function happened(words) {
  part("happened").hidden = !words;
  put(part("happened"), words);
}

function take(row) {
  bell(row);
  if (row.id === id && !isGone) {
    if (row.what === "visitor_left") happened("来访者按了“快速离开”，可能暂时看不到您的话。");
    else if (row.what === "undelivered") {
      happened("有一句话没有送达来访者，请换一种说法再发，或用其他方式联系。");
      reply.undelivered(row.data.row);
    } else if (row.what === "message" || row.what.startsWith("undelivered_")) happened("");
    refresh();
  }
  if (!row.in_queue) others.delete(row.id);
  else others.set(row.id, row);
  if (row.what !== "message") alarm.update(others.values());
}

async function resync() {
  refresh();
  const queue = await getJson("/console/queue.json").catch(() => null);
  if (!queue) return;
  showLost(queue.undelivered);
  others.clear();
  for (const row of queue.rows) others.set(row.id, row);
  alarm.update(others.values());
}

// ---- suggestions
let suggestTimer = 0;
const suggestSoon = () => {
  clearTimeout(suggestTimer);
  if (!part("suggest-text").value) suggestTimer = setTimeout(suggest, 1200);
};

async function suggest() {
  const error = part("suggest").querySelector(".error");
  try {
    const { articles } = await getJson(`${url}/suggest.json?text=${encodeURIComponent(part("suggest-text").value)}`);
    const lines = articles.map((article) => {
      const line = make("li");
      const button = make("button", "", "插入");
      button.type = "button";
      button.setAttribute("aria-label", `插入：${article.title}`);
      button.addEventListener("click", () => (shown.is_owner ? reply.insert(article.text) : put(error, "请先接手这个个案")));
      const text = make("p", "small", article.text);
      text.tabIndex = 0; // scrolls
      line.append(make("b", "", article.title), button, text);
      return line;
    });
    part("articles").replaceChildren(...(lines.length ? lines : [make("li", "muted", "没有合适的资料")]));
    put(error, "");
  } catch (problem) {
    put(error, problem.message);
  }
}

// ---- the record
// `what`: {field | note, words}
function askRedaction(what) {
  const form = part("redact-form");
  put(part("redact-title"), `遮蔽“${what.words}”`);
  form.reset();
  put(form.querySelector(".error"), "");
  form.onsubmit = async (event) => {
    event.preventDefault();
    const { words, ...target } = what;
    try {
      await post(`${url}/redact/${target.field ? "field" : "note"}`, { ...target, reason: form.elements.reason.value });
      part("redact").close();
      refresh();
    } catch (problem) {
      put(form.querySelector(".error"), problem.message);
    }
  };
  part("redact").showModal();
}

// ---- forms
function sure(words) {
  const dialog = part("confirm");
  put(part("confirm-text"), words);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

async function act(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const error = form.querySelector(".error");
  const buttons = [...form.querySelectorAll("button")];
  if (form.dataset.busy || (form.dataset.confirm && !(await sure(form.dataset.confirm)))) return;
  const fields = Object.fromEntries(new FormData(form));
  if (event.submitter?.name) fields[event.submitter.name] = event.submitter.value;
  form.dataset.busy = "yes";
  for (const button of buttons) button.setAttribute("aria-disabled", "true");
  put(error, "");
  try {
    if (READ_THE_RECORD.has(form.dataset.action) && !(await record.settle())) throw new Error("记录单里还有没保存好的内容，请先看一下");
    await post(`${url}/${form.dataset.action}`, fields);
    forgetForm(form);
    form.reset();
    warnLowering();
  } catch (problem) {
    put(error, problem.message);
  }
  delete form.dataset.busy;
  for (const button of buttons) button.removeAttribute("aria-disabled");
  await refresh();
  if (["claim", "take-over", "relieve"].includes(form.dataset.action) && shown.is_owner) part("reply-text").focus();
}

function warnLowering() {
  const wanted = document.querySelector('input[name="level"]:checked');
  part("second-person").hidden = !(wanted && Number(wanted.dataset.level) < shown.row.level && (shown.row.level >= 3 || shown.row.level - Number(wanted.dataset.level) > 1));
}

function warnReach() {
  const words = reachWarning(shown.person, shown.waiting, part("reply-text").value);
  part("reach-warning").hidden = !words;
  put(part("reach-warning"), words);
}

for (const form of document.querySelectorAll("form[data-action]")) {
  keepForm(form, `form:${url}/${form.dataset.action}`);
  form.addEventListener("submit", act);
}
part("reply-text").addEventListener("input", warnReach);
part("level-card").addEventListener("change", warnLowering);
part("suggest").querySelector("form").addEventListener("submit", (event) => (event.preventDefault(), suggest()));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && event.target === part("reply-text")) part("reply-text").blur();
  if (event.target.closest("input, textarea, select, dialog")) return;
  if (event.key === "/" && !part("reply").hidden) part("reply-text").focus();
  else if (event.key === "c" && !part("claim").hidden && !event.repeat) part("claim").requestSubmit();
  else if (event.key === "c" && !part("called").hidden && !part("take-over").hidden && !event.repeat) part("take-over").requestSubmit();
  else return;
  event.preventDefault();
});
part("redact-cancel").addEventListener("click", () => part("redact").close());
addEventListener("beforeunload", (event) => (reply.isDirty || record.isDirty) && event.preventDefault());

talk.merge(shown.messages);
reply = new ReplyBox(part("reply"), id, talk, () => alarm.connection("out"));
reply.arrived(shown.messages, name);
startTabs(`tab:${id}`);
startReferrals(url, refresh);
startSafeguarding(url, refresh);
draw();
page.inert = false; // before, a form would leave the page, and what was typed with it
talk.scrollToEnd();
suggest();
setInterval(tick, 1000);
onActivity(refresh);
openStream("", { row: take, resync, state: (state) => alarm.connection(state) });
