// The own shift, in the header of every page that watches: here, away, gone home; and what colleagues wait for.

import { put, span } from "./alarm.js";
import { getJson, now, post } from "./http.js";
import { make } from "./make.js";
import * as sound from "./sound.js";
import { helpCard, reminderCard, reminderKey, riseCard, wasPutAway } from "./duty_cards.js";

const EVERY_MS = 20_000; // a console that vanished tells nobody
const SOON_MS = 1500; // many events, one question
const part = (id) => document.getElementById(id);
const { me, roles } = document.body.dataset;
const isVolunteer = roles === "volunteer";
const calls = part("calls");
const cards = new Map(); // key -> {node, draw}
const notes = new Map(); // key -> {words, href, link}: what happened, until it is put away
let mine = null;
let asked_at = -SOON_MS;
let timer = 0;

// ---- reading
async function refresh() {
  clearTimeout(timer);
  timer = setTimeout(refresh, EVERY_MS);
  asked_at = performance.now();
  const fresh = await getJson("/console/duty.json").catch(() => null);
  if (!fresh) return;
  if (fresh.invitations.some((one) => !mine?.invitations.some((known) => known.id === one.id))) sound.once("soft");
  if (fresh.warnings.some((one) => !mine?.warnings.some((known) => known.case_id === one.case_id))) sound.once("burst");
  if (fresh.helps.some((one) => !mine?.helps.some((known) => known.id === one.id))) sound.once("burst");
  if (fresh.reminders.some((one) => !mine?.reminders.some((known) => reminderKey(known) === reminderKey(one)))) sound.once("soft");
  const served = (all) => (roles.includes("duty_lead") ? (all?.rises?.lines ?? []).filter((one) => one.served_by) : []);
  if (served(fresh).some((one) => !served(mine).some((known) => known.case_id === one.case_id && known.at === one.at))) sound.once("soft");
  mine = fresh;
  draw();
}

function refreshSoon() {
  clearTimeout(timer);
  timer = setTimeout(refresh, Math.max(0, asked_at + SOON_MS - performance.now()));
}

// ---- header
function draw() {
  part("duty").hidden = false;
  const until = mine.state === "away" && mine.until ? `，休息到 ${new Date(mine.until).toTimeString().slice(0, 5)}` : "";
  put(part("duty-state"), mine.state === "off" ? "未值班" : mine.state_words + until);
  part("duty").dataset.state = mine.state;
  part("duty-on").dataset.action = { off: "begin", on: "away", away: "back" }[mine.state];
  part("duty-on").innerText = { off: "开始值班", on: "暂离", away: "我回来了" }[mine.state];
  part("duty-on").title = { off: "", on: "不用说原因，快捷键 z", away: "快捷键 z" }[mine.state];
  part("duty-on").classList.toggle("main", mine.state !== "on");
  part("duty-end").hidden = mine.state === "off";
  part("drill-banner").hidden = !mine.drill;
  put(part("drill-banner"), mine.drill);
  part("roster-holes").hidden = !mine.holes.length;
  put(part("roster-holes").querySelector("span"), mine.holes.join("；"));
  drawPeople();
  drawCards();
}

function drawPeople() {
  const summary = part("people-summary");
  if (!summary) return;
  put(summary, mine.summary);
  const lines = mine.people
    .filter((person) => person.state !== "off" || person.levels.length)
    .map((person) => {
      const line = make("li", "line");
      const state = make("span", "muted small", person.state_words);
      line.append(make("b", "", person.name), state);
      if (person.is_volunteer) line.append(make("span", "badge", "志愿者"));
      for (const level of person.levels) {
        const dot = make("span", "level small-level", ["绿", "蓝", "黄", "橙", "红"][level]);
        dot.dataset.level = level;
        line.append(dot);
      }
      if (!person.levels.length) line.append(make("span", "muted small", "手上没有个案"));
      return line;
    });
  part("people-list").replaceChildren(...lines);
}

// ---- cards: kept by key, so that what is typed in one stays
function drawCards() {
  const tools = { card, button, openCase, refresh, redraw: drawCards };
  const wanted = [
    ...mine.helps.map((one) => [`help ${one.id}`, () => helpCard(one, tools), one]),
    ...mine.warnings.map((one) => [`warning ${one.case_id}`, () => warningCard(one), one]),
    ...mine.invitations.map((one) => [`invitation ${one.id}`, () => invitationCard(one), one]),
    ...mine.reminders.filter((one) => !wasPutAway(one)).map((one) => [reminderKey(one), () => reminderCard(one, tools), one]),
    ...[...notes].map(([key, note]) => [key, () => noteCard(key, note), note]),
    ...(mine.rises ? [[`rises ${mine.rises.until} ${mine.rises.lines.length}`, () => riseCard(mine.rises, tools), mine.rises]] : []),
    ...(mine.rest ? [[`rest ${mine.rest.id}`, () => restCard(mine.rest), mine.rest]] : []),
    ...mine.unsigned.map((one) => [`unsigned ${one.id}`, () => unsignedCard(one), one]),
  ];
  const there = new Set(wanted.map(([key]) => key));
  for (const [key, card] of cards) if (!there.has(key)) card.node.remove(), cards.delete(key);
  for (const [place, [key, build, values]] of wanted.entries()) {
    if (!cards.has(key)) cards.set(key, build());
    const card = cards.get(key);
    card.values = values;
    card.tick?.(values);
    if (calls.children[place] !== card.node) calls.insertBefore(card.node, calls.children[place] ?? null);
  }
}

function card(kind, level = "") {
  const node = make("article", `call ${kind}`);
  if (level !== "") node.dataset.level = level;
  const words = make("p", "call-words");
  const error = make("output", "error");
  error.setAttribute("role", "alert");
  node.append(words);
  return { node, words, error };
}

function button(words, work, className = "") {
  const node = make("button", className, words);
  node.type = "button";
  node.addEventListener("click", work);
  return node;
}

function openCase(id, words = "打开") {
  const link = make("a", "button", words);
  link.href = `/console/cases/${id}`;
  return link;
}

function warningCard(one) {
  const { node, words } = card("warning", one.level);
  const link = openCase(one.case_id, "去回复");
  node.append(link);
  const tick = ({ relief, call_at, since, case_no, level_label, case_id, has_spoken }) => {
    const left_s = Math.max(0, Math.ceil((Date.parse(call_at) - now()) / 1000));
    link.hidden = location.pathname.endsWith(case_id);
    put(
      words,
      relief
        ? `${level_label} ${case_no} 已在给所有老师响铃（${relief}）。您回一句话，铃声就停。`
        : `${level_label} ${case_no} ${has_spoken ? `的来访者已等 ${span(since)}` : `接手 ${span(since)}，您还没有对来访者说话`}，${left_s} 秒后会给所有老师响铃。请回一句话。`,
    );
  };
  return { node, tick };
}

function invitationCard(one) {
  const { node, words, error } = card("invitation", one.level);
  const isAssigned = one.kind === "assignment";
  const summary = make(isAssigned ? "p" : "dl", isAssigned ? "pre" : "summary", isAssigned ? one.said : "");
  for (const [name, text] of [["说了什么", one.said], ["答应了什么", one.promised], ["接下来", one.next]].slice(isAssigned ? 3 : 0)) {
    const value = make("dd", "pre", text);
    value.dir = "auto";
    summary.append(make("dt", "", name), value);
  }
  const reason = make("input");
  reason.placeholder = "为什么不能接";
  reason.setAttribute("aria-label", "为什么不能接");
  reason.maxLength = 500;
  const answer = async (action, fields) => {
    try {
      await post(`/console/transfers/${one.id}/${action}`, fields);
      if (action === "accept") location.assign(`/console/cases/${one.case_id}`);
      else refresh();
    } catch (problem) {
      put(error, problem.message);
    }
  };
  const line = make("div", "line");
  line.append(button("接过来", () => answer("accept", {}), "main"), reason, button("不能接", () => answer("decline", { reason: reason.value })));
  node.append(summary, line, error);
  const tick = ({ answer_by }) => {
    const left_s = Math.max(0, Math.ceil((Date.parse(answer_by) - now()) / 1000));
    put(words, `${one.by} ${isAssigned ? "指派您接手还没有人服务的" : "请您接手"} ${one.level_label} ${one.case_no}，还剩 ${left_s} 秒`);
  };
  return { node, tick };
}

function noteCard(key, note) {
  const { node, words } = card("happened");
  put(words, note.words);
  if (note.href) {
    const link = make("a", "button", "打开");
    link.href = note.href;
    node.append(link);
  }
  node.append(button("知道了", () => (notes.delete(key), drawCards()), "quiet"));
  return { node };
}

function restCard(one) {
  const { node, words, error } = card("rest");
  put(words, `刚陪完一个${one.colour}色个案，辛苦了。要不要歇 ${one.minutes} 分钟？${mine.exposure ? `　${mine.exposure}。` : ""}`);
  const answer = (take) => post(`/console/rests/${one.id}`, { take }).then(refresh, (problem) => put(error, problem.message));
  node.append(button(`休息 ${one.minutes} 分钟`, () => answer("yes"), "main"), button("先不用", () => answer("no")), error);
  return { node };
}

function unsignedCard(one) {
  const { node, words } = card("unsigned");
  put(words, `${one.is_mine ? "您" : one.by}的交班还没有人签字接班。`);
  const link = make("a", "button", "去看");
  link.href = `/console/handovers/${one.id}`;
  node.append(link);
  return { node };
}

// ---- what happens to cases: told to whom it concerns
function happened({ id, case_no, what, data, owner }) {
  const href = location.pathname.endsWith(id) ? "" : `/console/cases/${id}`;
  const words = {
    transfer_declined: data.former === me && `转交 ${case_no} 没有成功：对方现在不能接，原因在个案的“同事”页。个案还在您手上。`,
    transfer_expired: data.former === me && `转交 ${case_no} 没有成功：对方没有答复。个案还在您手上。`,
    transfer_accepted: data.former === me && `${owner} 已经接过 ${case_no}，并且看到了您写的交接。`,
    assignment_declined: data.former === me && `您指派的同事现在不能接 ${case_no}，它还在等人接手。`,
    assignment_expired: data.former === me && `您指派的同事没有答复，${case_no} 还在等人接手。`,
    assignment_accepted: data.former === me && `${owner} 已经接手您指派的 ${case_no}。`,
    help_answered: data.to === me && `${mine?.people.find((one) => one.id === data.by)?.name ?? "督导"}看到了您在 ${case_no} 的求助，答复在个案页上。`,
    taken_over: data.former === me && (isVolunteer ? `谢谢您陪来访者到现在，接下来由接线员继续。您做得很好。` : `${owner} 已经接过 ${case_no}。`),
    whispered: data.to === me && href && `督导在 ${case_no} 里给您发了悄悄话。`,
    joined: data.to === me && href && `一位同事加入了 ${case_no}。`,
  }[what];
  if (!words) return;
  if (what === "help_answered") sound.once("soft");
  const isGone = what === "taken_over" || what === "transfer_accepted";
  notes.set(`note ${what} ${id}`, { words, href: isGone ? "" : href });
}

document.addEventListener("desk-row", ({ detail }) => {
  if (detail.what === "message") return;
  if (!detail.hidden || detail.what === "taken_over") happened(detail);
  refreshSoon();
});
document.addEventListener("desk-people", refreshSoon);

// ---- hands
const dialog = part("duty-dialog");

function askToEnd(problem) {
  const why = part("duty-why");
  const needsReason = problem.includes("写明原因");
  put(part("duty-words"), problem || "现在结束值班吗？");
  why.hidden = !needsReason;
  dialog.querySelector("[value=yes]").hidden = Boolean(problem) && !needsReason;
  dialog.returnValue = "no";
  if (!dialog.open) dialog.showModal();
}

async function change(action, reason = "") {
  try {
    await post(`/console/duty/${action}`, { reason });
    dialog.querySelector("input").value = "";
  } catch (problem) {
    askToEnd(problem.message);
  }
  refresh();
}

part("duty-on").addEventListener("click", (event) => change(event.currentTarget.dataset.action));
part("duty-end").addEventListener("click", () => askToEnd(""));
dialog.addEventListener("close", () => dialog.returnValue === "yes" && change("end", dialog.querySelector("input").value));
document.addEventListener("keydown", (event) => {
  if (event.key !== "z" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
  if (event.target.closest("input, textarea, select, dialog") || !mine || mine.state === "off") return;
  event.preventDefault();
  part("duty-on").click();
});
setInterval(() => cards.forEach((one) => one.tick?.(one.values)), 1000);
refresh();
