// Words that did not arrive: keyed by row, changed in place, so that nothing typed here is lost.

import { Alarm, put } from "./alarm.js";
import { bell } from "./bell.js";
import { getJson, onActivity, post, SignedOut } from "./http.js";
import { showLost } from "./lost.js";
import { clockOf } from "./messages.js";
import { openStream } from "./stream.js";

const part = (id) => document.getElementById(id);
const list = part("letters");
const blank = part("blank-letter").content.firstElementChild;
const lines = new Map(); // row id -> node
const cases = new Map(); // rows of the whole queue, for the alarm
const alarm = new Alarm();

function make(letter) {
  const node = blank.cloneNode(true);
  const find = (name) => node.querySelector(name);
  put(find(".reason"), letter.reason);
  put(find(".channel"), letter.channel);
  put(find(".by"), `${letter.by}的话`);
  const time = find(".at");
  put(time, `写于 ${clockOf(letter.made_at)}，${clockOf(letter.at)} 放弃`);
  time.dateTime = letter.at;
  const link = find(".case-no");
  put(link, letter.case_no ?? "没有个案");
  node.dataset.case = letter.case_id ?? "";
  if (letter.case_id) link.href = `/console/cases/${letter.case_id}`;
  put(find(".words"), letter.words ?? "（您的权限看不到内容）");
  find(".retry").addEventListener("submit", (event) => act(event, letter.id, "retry"));
  find(".settle").addEventListener("submit", (event) => act(event, letter.id, "settle"));
  return node;
}

function draw({ letters, undelivered }) {
  showLost(undelivered);
  const there = new Set(letters.map((letter) => letter.id));
  for (const [id, node] of lines) if (!there.has(id)) node.remove(), lines.delete(id);
  for (const [place, letter] of letters.entries()) {
    const node = lines.get(letter.id) ?? make(letter);
    lines.set(letter.id, node);
    node.querySelector(".retry button").disabled = Boolean(letter.why_no_retry);
    put(node.querySelector(".why"), letter.why_no_retry);
    if (list.children[place] !== node) list.insertBefore(node, list.children[place] ?? null);
  }
  part("empty").hidden = letters.length > 0;
  put(part("lost-more"), undelivered > letters.length ? `一共 ${undelivered} 条，这里是前 ${letters.length} 条。` : "");
}

async function act(event, id, way) {
  event.preventDefault();
  const form = event.currentTarget;
  const error = form.querySelector(".error");
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  put(error, "");
  try {
    await post(`/console/undelivered/${id}/${way}`, Object.fromEntries(new FormData(form)));
    await refresh();
  } catch (problem) {
    put(error, problem.message);
  }
  delete form.dataset.busy;
}

async function refresh() {
  try {
    draw(await getJson("/console/undelivered.json"));
  } catch (error) {
    if (error instanceof SignedOut) alarm.connection("out");
    else setTimeout(refresh, 3000);
  }
}

async function resync() {
  refresh();
  const queue = await getJson("/console/queue.json").catch(() => null);
  if (!queue) return;
  cases.clear();
  for (const row of queue.rows) cases.set(row.id, row);
  alarm.update(cases.values());
}

function take(row) {
  bell(row);
  if (!row.in_queue) cases.delete(row.id);
  else cases.set(row.id, row);
  if (row.what !== "message") alarm.update(cases.values());
  else if (list.querySelector(`[data-case="${row.id}"]`)) refresh(); // they wrote: it may get through now
}

draw(JSON.parse(list.dataset.list));
delete list.dataset.list;
onActivity(refresh);
openStream("", { row: take, lost: refresh, resync, state: (state) => alarm.connection(state) });
