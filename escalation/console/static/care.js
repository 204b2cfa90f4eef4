// The tab 随访: consent, the plan, and the work on one task. All words are somebody's own: textContent only.

import { put } from "./alarm.js";
import { make, redraw } from "./make.js";
import { clockOf } from "./messages.js";
import { mark } from "./tabs.js";

const part = (id) => document.getElementById(id);
const day = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false });
const STANDING = { overdue: "超期", today: "今天", coming: "以后" };
let chosen = ""; // the task that is worked on
let care = null;
let row = null;

export function drawFollowUps(shown) {
  ({ care, row } = shown);
  put(part("consent-words"), `随访意愿：${care.consent_words}`);
  part("care-window").hidden = !care.window;
  put(part("care-window"), care.window);
  part("care-decide").hidden = care.consent !== "undecided" || !care.options.may_decide;
  part("consent-details").hidden = row.state === "closed";
  const planned = care.planned.map((one) => `${one.words}（${day.format(new Date(one.end))} 前）`).join("、");
  const works = !["follow_up", "closed"].includes(row.state);
  put(part("care-planned"), works ? (planned ? `按现在的等级，结案后安排：${planned}` : "按现在的等级，结案后不安排随访") : "");
  part("care-previous").hidden = !care.previous;
  if (care.previous) {
    const link = make("a", "", care.previous.case_no);
    link.href = `/console/cases/${care.previous.id}`;
    part("care-previous").replaceChildren("同一个对话以前的个案：", link);
  }
  redraw(part("consents"), care.consents, (one) =>
    make("li", "pre", `${clockOf(one.at)} ${one.by}：${one.what}${one.phone ? `　联系：${one.phone}` : ""}${one.reason ? `　${one.reason}` : ""}`),
  );
  part("care-none").hidden = care.tasks.length > 0;
  redraw(part("care-tasks"), care.tasks.map((task) => [task, task.id === chosen]), drawTask);
  drawWork();
  part("care-returns").hidden = care.reopenings.length === 0;
  redraw(part("reopenings"), care.reopenings, (one) =>
    make("li", "pre", `${clockOf(one.at)} 重新打开（之前是“${one.from}”）：${one.why}${one.ended ? `\n上次处置：${one.ended}` : ""}${one.summary ? `\n上次小结：${one.summary}` : ""}`),
  );
  const late = care.tasks.filter((task) => task.standing === "overdue").length;
  mark("care", late ? `超期 ${late}` : care.consent === "undecided" ? "等督导" : "");
}

function drawTask([task, isChosen]) {
  const item = make("li");
  const button = make("button", "task");
  button.type = "button";
  button.dataset.standing = task.standing;
  button.setAttribute("aria-pressed", String(isChosen));
  const answered = task.attempts.at(-1)?.answered_at ? "已回复" : "";
  button.append(make("b", "", task.words), make("span", "badge", task.is_open ? STANDING[task.standing] : task.state_words));
  button.append(make("span", "small muted", `${day.format(new Date(task.start))} – ${day.format(new Date(task.end))}`));
  button.append(make("span", "small", [task.is_open ? task.state_words : "", task.assignee, task.attempts.length ? `试了 ${task.attempts.length} 次` : "", answered].filter(Boolean).join("　")));
  button.addEventListener("click", () => ((chosen = isChosen ? "" : task.id), drawFollowUps({ care, row })));
  item.append(button);
  if (task.heard) item.append(make("p", "small pre", heardWords(task)));
  if (!task.is_open && task.reason) item.append(make("p", "small muted pre", `${task.ended_by}：${task.reason}`));
  return item;
}

function heardWords({ heard, ended_at, ended_by }) {
  return `${clockOf(ended_at)} ${ended_by}　意念 ${heard.ideas}　绝望 ${heard.hopelessness}　行为：${heard.acts}　帮助：${heard.help}　障碍：${heard.obstacles}　等级：${heard.level}${heard.note ? `\n${heard.note}` : ""}`;
}

function drawWork() {
  const open = care.tasks.filter((task) => task.is_open);
  const task = open.find((one) => one.id === chosen);
  part("care-work").hidden = !task;
  if (!task) return;
  put(part("care-work-title"), task.words);
  const isTeam = task.kind === "team";
  part("care-call").hidden = isTeam;
  part("care-team").hidden = !isTeam;
  part("care-write").querySelector("button").disabled = !care.may_write;
  put(part("care-why-not"), care.may_write ? "用固定的话，不说来意" : care.why_not);
  put(part("care-untried"), isTeam ? task.help : task.untried.length ? `还没有在这些时段试过：${task.untried.join("、")}` : "不同时段都试过了，联系不上可以记失访");
  for (const input of part("care-work").querySelectorAll('input[name="task"]')) input.defaultValue = input.value = task.id;
  redraw(part("care-attempts"), task.attempts, (one) =>
    make("li", "pre", `${clockOf(one.at)} ${one.by}　${one.way}：${one.result}${one.answered_at ? `（${clockOf(one.answered_at)}）` : ""}${one.note ? `　${one.note}` : ""}`),
  );
}
