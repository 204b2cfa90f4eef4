// A closing that two people make: what was submitted, who may sign it, and why it came back. Words: textContent only.

import { put, span } from "./alarm.js";
import { now } from "./http.js";
import { clockOf } from "./messages.js";

const part = (id) => document.getElementById(id);
const LEAST = 3; // orange

// Whether the form of closing submits for a signature instead of closing.
export const needsSignature = (row, isSupervisor) => row.level >= LEAST && !isSupervisor && !row.is_practice;

export function drawClosing({ closing, row }, isSupervisor) {
  part("closing-card").hidden = !closing.waits;
  if (closing.waits) {
    const isLate = now() > Date.parse(closing.due_at);
    put(part("closing-line"), `${clockOf(closing.at)} ${closing.by}提交，已等 ${span(closing.at)}${isLate ? " 超时" : ""}　处置结果：${closing.disposition}`);
    put(part("closing-summary"), closing.summary);
    part("closing-mine").hidden = !closing.is_mine;
    part("closing-decide").hidden = !closing.may_sign;
  }
  const back = closing.returned;
  part("closing-returned").hidden = !back && !closing.overtaken;
  if (back) put(part("closing-returned"), `${clockOf(back.at)} ${back.by}退回了结案：${back.words}`);
  else if (closing.overtaken) put(part("closing-returned"), `${clockOf(closing.at)} ${closing.by}提交过结案；之后有了新情况，没有签字，要重新提交。`);
  drawForm(row, isSupervisor);
}

function drawForm(row, isSupervisor) {
  const form = part("close");
  const submits = needsSignature(row, isSupervisor);
  form.dataset.action = submits ? "closing/submit" : "close";
  form.dataset.confirm = submits
    ? "提交后，对话会交还机器人，个案等督导签字；来访者有新的危险会重新响铃。确定提交吗？"
    : "结案后，对话会交还机器人，个案离开队列。确定结案吗？";
  put(part("close-button"), submits ? "提交结案" : "结案");
  put(part("close-why"), submits ? "提交后由督导签字，不再占您的接待上限" : "");
}
