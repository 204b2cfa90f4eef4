// 现场: every live conversation, drawn again from the server whenever something happened; clocks run here.

import { Alarm, put, span } from "./alarm.js";
import { getJson, onActivity, SignedOut } from "./http.js";
import { showLost } from "./lost.js";
import { make } from "./make.js";
import { isLate, owedWords } from "./owed.js";
import { openStream } from "./stream.js";

const SOON_MS = 700; // many events, one question
const EVERY_MS = 15_000;
const part = (id) => document.getElementById(id);
const body = part("lives");
const blank = part("blank-live").content.firstElementChild;
const lines = new Map(); // case -> {node, live}
const cases = new Map(); // rows of the whole queue, for the alarm
const alarm = new Alarm();
let timer = 0;
let asked_at = -SOON_MS;

function fill(node, live) {
  const find = (name) => node.querySelector(name);
  node.dataset.level = live.level;
  node.classList.toggle("urgent", Boolean(live.relief));
  find(".level").dataset.level = live.level;
  put(find(".level"), live.level_label);
  put(find(".case-no"), live.case_no);
  const alone = live.companions.length ? `＋${live.companions.join("、")}` : "";
  put(find(".owner"), `${live.owner}${alone}${live.owner_state === "在岗" ? "" : `（${live.owner_state}）`}`);
  find("a").href = `/console/cases/${live.case_id}`;
  find("a").setAttribute("aria-label", `打开 ${live.case_no}`);
}

function tick({ node, live }) {
  put(node.querySelector(".notes"), [live.relief || live.warned, live.is_drill ? "演练" : ""].filter(Boolean).join("　"));
  node.querySelector(".owed").replaceChildren(...live.clocks.map((one) => make("span", isLate(one) ? "late" : "", `${owedWords(one)}　`)));
  const waits = node.querySelector(".waits");
  put(node.querySelector(".since"), span(live.began_at));
  put(node.querySelector(".wrote"), live.wrote_at ? `${span(live.wrote_at)} 前` : "还没有说话");
  put(waits, live.unanswered_since ? `来访者等老师 ${span(live.unanswered_since)}` : "老师等来访者");
  waits.classList.toggle("late", Boolean(live.unanswered_since));
}

function draw({ lives, people }) {
  const there = new Set(lives.map((live) => live.case_id));
  for (const [id, line] of lines) if (!there.has(id)) line.node.remove(), lines.delete(id);
  for (const [place, live] of lives.entries()) {
    const line = lines.get(live.case_id) ?? { node: blank.cloneNode(true) };
    line.live = live;
    lines.set(live.case_id, line);
    fill(line.node, live);
    tick(line);
    if (body.children[place] !== line.node) body.insertBefore(line.node, body.children[place] ?? null);
  }
  part("empty").hidden = lives.length > 0;
  put(part("live-count"), `${lives.length} 个`);
  part("team").replaceChildren(
    ...people.map((person) => {
      const line = make("li", "line");
      line.append(make("b", "", person.name), make("span", "muted small", person.state_words), make("span", "", `现在 ${person.load}`), make("span", person.is_much ? "" : "muted", person.week));
      return line;
    }),
  );
}

async function refresh() {
  clearTimeout(timer);
  timer = setTimeout(refresh, EVERY_MS);
  asked_at = performance.now();
  try {
    draw(await getJson("/console/floor.json"));
  } catch (error) {
    if (error instanceof SignedOut) alarm.connection("out");
  }
}

function refreshSoon() {
  clearTimeout(timer);
  timer = setTimeout(refresh, Math.max(0, asked_at + SOON_MS - performance.now()));
}

async function resync() {
  refreshSoon();
  const queue = await getJson("/console/queue.json").catch(() => null);
  if (!queue) return;
  showLost(queue.undelivered);
  cases.clear();
  for (const row of queue.rows) cases.set(row.id, row);
  alarm.update(cases.values());
}

function take(row) {
  if (row.state === "closed") cases.delete(row.id);
  else cases.set(row.id, row);
  if (row.what !== "message") alarm.update(cases.values());
  refreshSoon();
}

draw(JSON.parse(body.dataset.floor));
delete body.dataset.floor;
setInterval(() => lines.forEach(tick), 1000);
document.addEventListener("desk-people", refreshSoon);
onActivity(refresh);
openStream("", { row: take, resync, state: (state) => alarm.connection(state) });
