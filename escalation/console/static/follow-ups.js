// The page 随访: one list in three groups, or a week; filtered here, read again when something happened.

import { Alarm, put } from "./alarm.js";
import { getJson, now, onActivity, SignedOut } from "./http.js";
import { showLost } from "./lost.js";
import { make, redraw } from "./make.js";
import { openStream } from "./stream.js";

const part = (id) => document.getElementById(id);
const box = part("follow-ups");
const cases = new Map(); // rows of the whole queue, for the alarm
const alarm = new Alarm();
const DAY_MS = 86_400_000;
const SHANGHAI_MS = 8 * 3_600_000;
const clock = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false });
const date = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit" });
const WEEKDAYS = ["一", "二", "三", "四", "五", "六", "日"];
let shown = JSON.parse(box.dataset.list);
let week = 0; // weeks from this one
delete box.dataset.list;

const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`).value;
const standing = (row) => (Date.parse(row.end) <= now() ? "overdue" : row.standing);
const wanted = () => shown.rows.map((row) => ({ ...row, standing: standing(row) })).filter((row) => (chosen("whose") === "all" || row.is_mine) && (!part("level").value || String(row.level) === part("level").value));

function line(row) {
  const item = make("li", "task-line");
  item.dataset.standing = row.standing;
  const level = make("span", "level", row.level_label);
  level.dataset.level = row.level;
  const link = make("a", "", row.case_no);
  link.href = `/console/cases/${row.case_id}#tab-care`;
  const flags = make("span", "flags");
  const say = (words, kind = "") => words && flags.append(make("span", `badge ${kind}`, words));
  say(row.is_drill ? "演练" : "", "drill");
  say(row.is_answered ? "来访者已回复" : "", "answered");
  say(row.is_undelivered ? "没有送达，请打电话" : "", "lost");
  say(row.case_state ? `个案${row.case_state}` : "");
  say(row.kind === "safety" ? row.consent : "");
  const tries = row.kind === "safety" ? (row.tries ? `试了 ${row.tries} 次${row.untried.length ? `，还可在${row.untried.join("、")}试` : ""}` : "还没有联系") : "";
  const days = Date.parse(row.end) - Date.parse(row.start) > DAY_MS ? date : clock;
  const due = row.standing === "overdue" ? `应在 ${clock.format(new Date(row.end))} 前` : `${days.format(new Date(row.start))} – ${days.format(new Date(row.end))}`;
  item.append(level, make("b", "", row.words), make("span", "due", due), link, make("span", "", row.assignee || "没有人负责"), make("span", "small muted", tries), flags);
  return item;
}

function drawGroups(rows) {
  for (const group of box.querySelectorAll(".group")) {
    const mine = rows.filter((row) => row.standing === group.dataset.group);
    group.hidden = mine.length === 0;
    put(group.querySelector("h2 span"), String(mine.length));
    redraw(group.querySelector("ul"), mine, line);
  }
}

// Days are those of Shanghai; a call stands on the day on which its window ends.
function drawWeek(rows) {
  const today = Math.floor((Date.parse(shown.now) + SHANGHAI_MS) / DAY_MS);
  const monday = today - ((today + 3) % 7) + week * 7;
  const dateOf = (day) => new Date(day * DAY_MS).toISOString().slice(5, 10);
  put(part("week-name"), `${dateOf(monday)} – ${dateOf(monday + 6)}`);
  const days = WEEKDAYS.map((name, place) => {
    const day = monday + place;
    const there = rows.filter((row) => Math.floor((Date.parse(row.end) - 1 + SHANGHAI_MS) / DAY_MS) === day);
    return { title: `周${name} ${dateOf(day)}`, isToday: day === today, there };
  });
  redraw(part("week"), days, ({ title, isToday, there }) => {
    const column = make("section", isToday ? "day today" : "day");
    const list = make("ul");
    for (const row of there) {
      const item = make("li");
      const link = make("a", "", `${row.words}`);
      link.href = `/console/cases/${row.case_id}#tab-care`;
      const level = make("span", "level small-level", row.level_label);
      level.dataset.level = row.level;
      item.dataset.standing = row.standing;
      item.append(level, link, make("span", "small muted", [row.assignee || "没有人负责", row.standing === "overdue" ? "超期" : ""].filter(Boolean).join("　")));
      list.append(item);
    }
    column.append(make("h2", "", title), there.length ? list : make("p", "muted small", "没有"));
    return column;
  });
}

function draw() {
  const rows = wanted();
  const isWeek = chosen("view") === "week";
  box.hidden = isWeek;
  part("week").hidden = part("week-tools").hidden = !isWeek;
  if (isWeek) drawWeek(rows);
  else drawGroups(rows);
  part("empty").hidden = isWeek || rows.length > 0;
}

async function refresh() {
  try {
    shown = await getJson("/console/follow-ups.json");
    draw();
  } catch (error) {
    if (error instanceof SignedOut) alarm.connection("out");
    else setTimeout(refresh, 3000);
  }
}

async function resync() {
  refresh();
  const queue = await getJson("/console/queue.json").catch(() => null);
  if (!queue) return;
  showLost(queue.undelivered);
  cases.clear();
  for (const row of queue.rows) cases.set(row.id, row);
  alarm.update(cases.values());
}

function take(row) {
  if (!row.in_queue) cases.delete(row.id);
  else cases.set(row.id, row);
  if (row.what !== "message") alarm.update(cases.values());
  if (row.what.startsWith("follow_up") || ["closed", "reopened", "claimed", "rescue_ended"].includes(row.what)) refresh();
}

for (const node of document.querySelectorAll(".follow-ups-head input, #level")) node.addEventListener("change", draw);
part("week-before").addEventListener("click", () => ((week -= 1), draw()));
part("week-after").addEventListener("click", () => ((week += 1), draw()));
draw();
setInterval(draw, 60_000); // what was today's becomes overdue
onActivity(refresh);
openStream("", { row: take, resync, state: (state) => alarm.connection(state) });
