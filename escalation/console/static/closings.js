// Closings that wait for a signature: keyed by row, changed in place, so that nothing typed here is lost.

import { Alarm, put, span } from "./alarm.js";
import { bell } from "./bell.js";
import { getJson, now, onActivity, post, SignedOut } from "./http.js";
import { showLost } from "./lost.js";
import { openStream } from "./stream.js";

const part = (id) => document.getElementById(id);
const list = part("closings");
const blank = part("blank-closing").content.firstElementChild;
const lines = new Map(); // closing id -> {node, closing}
const cases = new Map(); // rows of the whole queue, for the alarm
const alarm = new Alarm();

function make(closing) {
  const node = blank.cloneNode(true);
  const find = (name) => node.querySelector(name);
  put(find(".by"), `${closing.by}提交`);
  put(find(".disposition"), `处置结果：${closing.disposition}`);
  for (const link of [find(".case-no"), find(".open")]) link.href = `/console/cases/${closing.case_id}`;
  put(find(".case-no"), closing.case_no);
  find(".drill").hidden = !closing.is_drill;
  find(".mine").hidden = !closing.is_mine;
  find(".ways").hidden = closing.is_mine;
  find(".sign").addEventListener("submit", (event) => act(event, closing.case_id, "sign"));
  find(".return").addEventListener("submit", (event) => act(event, closing.case_id, "return"));
  return node;
}

function fill(node, closing) {
  const level = node.querySelector(".level");
  level.dataset.level = closing.level;
  put(level, closing.level_label);
  put(node.querySelector(".words"), closing.summary ?? "（未成年人的个案：请打开个案，写明目的后再看）");
  tick({ node, closing });
}

function tick({ node, closing }) {
  const isLate = now() > Date.parse(closing.due_at);
  node.classList.toggle("late", isLate);
  const clock = node.querySelector(".clock");
  clock.classList.toggle("late", isLate);
  put(clock, `已等 ${span(closing.at)}${isLate ? " 超时" : ""}`);
}

function draw(closings) {
  const there = new Set(closings.map((closing) => closing.id));
  for (const [id, { node }] of lines) if (!there.has(id)) node.remove(), lines.delete(id);
  for (const [place, closing] of closings.entries()) {
    const node = lines.get(closing.id)?.node ?? make(closing);
    lines.set(closing.id, { node, closing });
    fill(node, closing);
    if (list.children[place] !== node) list.insertBefore(node, list.children[place] ?? null);
  }
  part("empty").hidden = closings.length > 0;
}

async function act(event, caseId, way) {
  event.preventDefault();
  const form = event.currentTarget;
  const error = form.querySelector(".error");
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  put(error, "");
  try {
    await post(`/console/cases/${caseId}/closing/${way}`, Object.fromEntries(new FormData(form)));
    await refresh();
  } catch (problem) {
    put(error, problem.message);
  }
  delete form.dataset.busy;
}

async function refresh() {
  try {
    draw((await getJson("/console/closings.json")).closings);
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
  bell(row);
  const wasWaiting = cases.get(row.id)?.state === "closing";
  if (!row.in_queue) cases.delete(row.id);
  else cases.set(row.id, row);
  if (row.what !== "message") alarm.update(cases.values());
  if (row.state === "closing" || wasWaiting) refresh();
}

draw(JSON.parse(list.dataset.list));
delete list.dataset.list;
setInterval(() => lines.forEach(tick), 1000);
onActivity(refresh);
openStream("", { row: take, resync, state: (state) => alarm.connection(state) });
