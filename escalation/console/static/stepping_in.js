// Beside a case: the clocks after its claim, whom a lead asked to take it, the next rung, a call for help.

import { put, span } from "./alarm.js";
import { now } from "./http.js";
import { make } from "./make.js";
import { clockOf } from "./messages.js";
import { isLate, owedWords } from "./owed.js";

const part = (id) => document.getElementById(id);

export function drawSteppingIn(shown) {
  drawWaiting(shown);
  drawHelp(shown.stepping_in.help);
  tickSteppingIn(shown);
}

function drawWaiting({ stepping_in: { assign, escalate }, colleagues }) {
  part("waiting-card").hidden = !assign.may && !assign.asked && !escalate;
  part("assigned-words").hidden = !assign.asked;
  part("escalate").hidden = !escalate;
  put(part("escalate-words"), escalate ? `马上呼叫下一级：${escalate}` : "");
  part("assign").hidden = !assign.may;
  drawCandidates(colleagues.candidates);
}

function drawCandidates(candidates) {
  const select = part("assign-to");
  const key = JSON.stringify(candidates);
  if (select.drawn === key) return;
  select.drawn = key;
  const chosen = select.value;
  const options = candidates.map((person) => new Option(`${person.name}（手上 ${person.load}）`, person.id));
  select.replaceChildren(new Option(options.length ? "请选择" : "没有别的同事在岗", ""), ...options);
  if (candidates.some((person) => person.id === chosen)) select.value = chosen;
}

function drawHelp({ may_ask, may_withdraw, may_answer, call }) {
  part("help-card").hidden = !may_ask && !call;
  part("help-ask").hidden = !may_ask;
  if (call?.is_open) part("help-ask").open = false;
  part("help-withdraw").hidden = !may_withdraw;
  part("help-answer").hidden = !may_answer;
  part("help-words").hidden = !call;
  if (call && !call.is_open) put(part("help-words"), `${call.answered_by}答复了求助（${clockOf(call.ended_at)}）：${call.answer || "我来帮忙"}`);
}

// Seconds that run while nothing else happens.
export function tickSteppingIn({ stepping_in: { assign, clocks, help } }) {
  if (assign.asked) {
    const left_s = Math.max(0, Math.ceil((Date.parse(assign.asked.answer_by) - now()) / 1000));
    put(part("assigned-words"), `已指派${assign.asked.to}，等答复，还剩 ${left_s} 秒。谁先接手都可以。`);
  }
  if (help.call?.is_open) {
    const why = help.call.why ? `：${help.call.why}` : "";
    put(part("help-words"), `${help.may_withdraw ? "已呼叫督导" : `${help.call.by}请督导帮忙`}，等答复 ${span(help.call.at)}${why}`);
  }
  drawClocks(clocks);
}

function drawClocks(clocks) {
  const list = part("claim-clocks");
  list.hidden = !clocks.length;
  while (list.children.length > clocks.length) list.lastElementChild.remove();
  while (list.children.length < clocks.length) list.append(make("li"));
  for (const [place, one] of clocks.entries()) {
    const line = list.children[place];
    line.classList.toggle("late", isLate(one));
    put(line, owedWords(one));
  }
}
