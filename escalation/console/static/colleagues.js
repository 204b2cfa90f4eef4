// Between colleagues: the summary of who was here before, whispers, transfer, promises, stepping in.

import { put } from "./alarm.js";
import { now } from "./http.js";
import { make } from "./make.js";
import { clockOf } from "./messages.js";
import { mark } from "./tabs.js";

const part = (id) => document.getElementById(id);
let heard = -1; // whispers seen so far; -1 before the first drawing

function show(id, yes) {
  part(id).hidden = !yes;
}

export function drawColleagues(shown) {
  const { colleagues: all, is_owner, row } = shown;
  show("relief", all.relief);
  put(part("relief-words"), all.relief);
  show("take-over", all.may_take_over);
  show("over-limit", all.over_limit);
  put(part("over-limit"), all.over_limit);
  drawSummary(all.summary);
  drawWhispers(all.whispers);
  drawTransfer(all, is_owner);
  drawPromises(all.promises, row.state !== "closed");
  put(part("companions"), all.companions.length ? `${all.companions.join("、")}也在对话里，可以回复来访者。` : "");
  show("companions", all.companions.length);
  for (const [id, yes] of [["whisper", all.may_whisper], ["join", all.may_join], ["leave", all.has_joined], ["relieve", all.may_relieve]]) show(id, yes);
  show("guide-card", all.may_whisper || all.may_join || all.has_joined || all.may_relieve || all.companions.length);
  const open = all.promises.filter((one) => !one.kept_at).length;
  mark("colleagues", all.request?.is_open ? "…" : open ? String(open) : "");
}

function drawSummary(summary) {
  show("summary", summary);
  if (!summary) return;
  put(part("summary-by"), `${summary.by}，${clockOf(summary.at)}`);
  for (const name of ["said", "promised", "next"]) put(part(`summary-${name}`), summary[name]);
}

function drawWhispers(whispers) {
  show("whispers", whispers.length);
  if (heard === whispers.length) return;
  heard = whispers.length;
  const lines = [...whispers].reverse().map((one) => {
    const line = make("li");
    const text = make("span", "pre", one.text);
    text.dir = "auto";
    line.append(make("span", "muted", `${clockOf(one.at)} ${one.by}：`), text);
    return line;
  });
  part("whisper-list").replaceChildren(...lines);
}

function drawTransfer({ request, candidates }, isOwner) {
  const isOpen = Boolean(request?.is_open);
  show("transfer-card", isOwner);
  show("request-words", request);
  show("withdraw", isOpen);
  show("transfer", isOwner && !isOpen && candidates.length);
  show("transfer-none", isOwner && !isOpen && !candidates.length);
  put(part("transfer-none"), "现在没有别的同事在岗可以接手。需要离开，请放回队列，或告诉值班长。");
  if (request) {
    const left_s = Math.max(0, Math.ceil((Date.parse(request.answer_by) - now()) / 1000));
    put(part("request-words"), isOpen ? `已请 ${request.to} 接手，等对方答复，还剩 ${left_s} 秒。个案还在您手上。` : `${request.to} ${request.words}${request.reason ? `：${request.reason}` : ""}。个案还在您手上。`);
  }
  drawCandidates(candidates);
}

function drawCandidates(candidates) {
  const select = part("transfer-to");
  const key = JSON.stringify(candidates);
  if (select.drawn === key) return;
  select.drawn = key;
  const chosen = select.value;
  const options = candidates.map((person) => new Option(`${person.name}（手上 ${person.load}）`, person.id));
  select.replaceChildren(new Option("请选择", ""), ...options);
  if (candidates.some((person) => person.id === chosen)) select.value = chosen;
}

function drawPromises(promises, isOpen) {
  const list = part("promises");
  const key = JSON.stringify([promises, isOpen]);
  if (list.drawn === key) return;
  list.drawn = key;
  const lines = promises.map((one) => {
    const line = make("li", one.kept_at ? "muted" : "");
    const text = make("span", "pre", one.text);
    text.dir = "auto";
    line.append(text, make("span", "muted small", ` ${one.by}，${clockOf(one.at)}`));
    if (one.kept_at) line.append(make("span", "small", `　已做到（${one.kept_by}，${clockOf(one.kept_at)}）`));
    else line.append(" ", keptButton(one.id));
    return line;
  });
  list.replaceChildren(...(lines.length ? lines : [make("li", "muted", "还没有记下。")]));
}

function keptButton(id) {
  const button = make("button", "quiet", "已做到");
  button.type = "button";
  button.addEventListener("click", () => {
    const form = part("promise-kept");
    form.querySelector("input").value = id;
    form.requestSubmit();
  });
  return button;
}

// Seconds that run while nothing else happens.
export function tickColleagues({ colleagues, is_owner }) {
  if (colleagues.request?.is_open) drawTransfer(colleagues, is_owner);
}
