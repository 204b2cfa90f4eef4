// The page of open referrals: lines keyed by referral, changed in place, so that nothing typed here is lost.

import { put, span } from "./alarm.js";
import { getJson, onActivity } from "./http.js";
import { make } from "./make.js";
import { clockOf } from "./messages.js";
import { drawTasks, sendOn } from "./referral_tasks.js";
import { watch } from "./watch.js";

const part = (id) => document.getElementById(id);
const list = part("list");
const blank = part("blank-line").content.firstElementChild;
const blankTask = part("blank-task").content.firstElementChild;
const me = document.body.dataset.me;
const lines = new Map(); // referral id -> node
const asked = new Map(); // id of somebody expected -> node

function lineOf(row) {
  const node = blank.cloneNode(true);
  const find = (name) => node.querySelector(name);
  const link = find(".case-no");
  put(link, row.case_no);
  link.href = `/console/cases/${row.case_id}#referral`;
  put(find(".place"), row.institution);
  put(find(".kind"), row.kind);
  find(".urgent").hidden = !row.is_urgent;
  find(".drill").hidden = !row.is_drill;
  put(find(".phones"), row.phones.join("；"));
  find(".phones-line").hidden = row.phones.length === 0;
  find(".decision a").href = link.href;
  return node;
}

function fill(node, row) {
  const find = (name) => node.querySelector(name);
  node.dataset.overdue = row.is_overdue ? "yes" : "no";
  put(find(".level"), row.level_label);
  find(".level").dataset.level = row.level;
  put(find(".state"), [row.state_words, row.attended].filter(Boolean).join("："));
  put(find(".owner"), row.owner ? `负责：${row.owner}` : "还没有人负责");
  const late = row.is_overdue ? `已等 ${span(row.since)}` : "";
  put(find(".due"), late || (row.due_at ? `${clockOf(row.due_at)} 前` : ""));
  find(".decision").hidden = row.state !== "proposed";
  drawTasks(find(".tasks"), row.tasks, blankTask, me, refresh);
}

function draw({ rows, summary, expected }) {
  put(part("summary"), summary);
  const there = new Set(rows.map((row) => row.id));
  for (const [id, node] of lines) if (!there.has(id)) node.remove(), lines.delete(id);
  for (const [place, row] of rows.entries()) {
    const node = lines.get(row.id) ?? lineOf(row);
    lines.set(row.id, node);
    fill(node, row);
    if (list.children[place] !== node) list.insertBefore(node, list.children[place] ?? null);
  }
  part("empty").hidden = rows.length > 0;
  drawExpected(expected);
}

function drawExpected(expected) {
  const there = new Set(expected.map((one) => one.id));
  for (const [id, node] of asked) if (!there.has(id)) node.remove(), asked.delete(id);
  for (const one of expected) {
    if (asked.has(one.id)) continue;
    const node = make("li");
    const words = `${one.words.person}；${one.words.why}；${one.words.sender}`;
    node.append(make("span", "muted", `${clockOf(one.at)} ${one.by}　${one.source}　`), make("bdi", "pre", words));
    const form = make("form", "line");
    const note = make("input");
    Object.assign(note, { name: "note", required: true, minLength: 2, maxLength: 1000, placeholder: "怎样处理的，例如：电话联系上了，约了明天上午" });
    note.setAttribute("aria-label", "怎样处理的");
    form.append(note, make("button", "", "已处理"), make("output", "error"));
    sendOn(form, `/console/referrals/incoming/${one.id}`, refresh);
    node.append(form);
    asked.set(one.id, node);
    part("expected").append(node);
  }
  part("expected").dataset.empty = String(expected.length === 0);
}

async function refresh() {
  const fresh = await getJson("/console/referrals.json").catch(() => null);
  if (fresh) draw(fresh);
}

draw(JSON.parse(list.dataset.shown));
delete list.dataset.shown;
sendOn(part("incoming"), "/console/referrals/incoming", refresh);
watch({ row: (row) => row.what.startsWith("referral_") && refresh(), resync: refresh });
onActivity(refresh);
setInterval(refresh, 60_000);
