// The queue: rows keyed by case, changed in place, moved only when their order changed.

import { Alarm, put, span } from "./alarm.js";
import { bell } from "./bell.js";
import { careWords, isLoud } from "./care-marks.js";
import { getJson, onActivity, post } from "./http.js";
import { showLost } from "./lost.js";
import { openStream } from "./stream.js";

const ROOM = 30; // rows of one group that are drawn at first
const COLOURS = ["绿", "蓝", "黄", "橙", "红"];
const STILL_MS = 700; // rows do not move away under a pointer that is about to click
const LONGEST_HOLD_MS = 3000;
const list = document.getElementById("queue");
const blank = document.getElementById("blank-row").content.firstElementChild;
const blankMore = document.getElementById("blank-more").content.firstElementChild;
const empty = document.getElementById("empty");
const me = document.body.dataset.me;
const rows = new Map(); // case id -> values, and the key of where it belongs
const lines = new Map(); // case id -> {node, ...}, of those that are drawn
const more = new Map(); // group -> the line that counts what is not drawn
const room = new Map(); // group -> how many rows somebody asked to see
const touched = new Map(); // case id -> when the stream last told of it
const dirty = new Set();
const alarm = new Alarm();
const clock = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hour12: false });
let order = []; // lines as shown
let scheduled = false;
let [pointer_at, held_since, rang_at, ringTimer] = [-LONGEST_HOLD_MS, 0, -100, 0];

// ---- order: what is loud first (unclaimed, its owner silent, words that did not arrive, rescue, overdue calls), then
// level, then real people before drills, then who has waited longest; at the end what only waits for a signature. Rows of one urgency and level are a group; of each only the first are drawn, the
// others counted, so that a thousand crises in a minute leave the page as quick as ever.
const keyOf = (row) => [row.state === "new" || row.ringing || isLoud(row) ? 0 : row.state === "closing" ? 2 : 1, -row.level, row.is_drill ? 1 : 0, Date.parse(row.raised_at || row.opened_at), row.case_no];
const groupOf = (key) => `${key[0]} ${key[1]}`;

function compare(a, b) {
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
  return 0;
}

// What is shown now, in order: rows, and after a group that is too long a line that counts the others.
function layout() {
  const sorted = [...rows.values()].sort((a, b) => compare(a.key, b.key));
  const seen = new Map(); // group -> how many so far
  const shown = [];
  for (const [place, row] of sorted.entries()) {
    const group = groupOf(row.key);
    const number = (seen.get(group) ?? 0) + 1;
    seen.set(group, number);
    if (number <= (room.get(group) ?? ROOM)) shown.push(row.id);
    const isLast = place === sorted.length - 1 || groupOf(sorted[place + 1].key) !== group;
    if (isLast && number > (room.get(group) ?? ROOM)) shown.push({ group, row, left: number - (room.get(group) ?? ROOM) });
  }
  return shown;
}

function moveNode(node, next) {
  if (node.nextElementSibling === next && node.parentNode === list) return;
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  if (list.moveBefore && node.parentNode === list) list.moveBefore(node, next);
  else list.insertBefore(node, next);
  if (focused && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

function moreLine({ group, row, left }) {
  const node = more.get(group) ?? blankMore.cloneNode(true);
  more.set(group, node);
  node.dataset.group = group;
  node.querySelector(".level").dataset.level = row.level;
  put(node.querySelector(".level"), row.level_label);
  put(node.querySelector(".more-words"), `还有 ${left} 个${COLOURS[row.level]}色${group.startsWith("0") ? "在等" : "已有人接手"}`);
  return node;
}

// Draws what is shown where it belongs, and nothing else.
function arrange() {
  const shown = layout();
  const wanted = new Set(shown.map((one) => (typeof one === "string" ? one : one.group)));
  for (const id of [...lines.keys()]) if (!wanted.has(id)) drop(id);
  for (const [group, node] of more) if (!wanted.has(group)) node.remove(), more.delete(group);
  order = [];
  let next = list.firstElementChild;
  for (const one of shown) {
    const node = typeof one === "string" ? lineFor(one).node : moreLine(one);
    if (typeof one === "string") order.push(lines.get(one));
    if (node === next) next = node.nextElementSibling;
    else moveNode(node, next);
  }
}

// ---- one row
function lineOf(node) {
  const part = (name) => node.querySelector(name);
  return {
    node, level: part(".level"), number: part(".case-no"), clock: part(".clock"), state: part(".state"), owner: part(".owner"),
    drill: part(".drill"), wish: part(".wish"), lost: part(".lost"), relief: part(".relief"), asked: part(".asked"), care: part(".care"), referral: part(".referral"), rung: part(".rung"), called: part(".called"), notCalled: part(".not-called"), claim: part(".claim"), open: part(".open"), error: part(".error"),
  };
}

function fill(line, row) {
  const { node } = line;
  node.dataset.id = row.id;
  node.dataset.level = line.level.dataset.level = row.level;
  node.dataset.state = row.state;
  put(line.level, row.level_label);
  put(line.number, row.case_no);
  node.toggleAttribute("data-hidden", Boolean(row.hidden));
  line.open.hidden = !row.may_open;
  for (const link of [line.number, line.open]) row.may_open ? (link.href = `/console/cases/${row.id}`) : link.removeAttribute("href");
  line.open.setAttribute("aria-label", `打开 ${row.case_no}`);
  line.claim.setAttribute("aria-label", `接手 ${row.case_no}`);
  put(line.state, row.state_label);
  put(line.owner, row.owner_id === me ? `我（${row.owner}）` : row.owner);
  line.drill.hidden = !row.is_drill;
  put(line.drill, row.is_practice ? "练习" : "演练");
  line.wish.hidden = !row.wish;
  line.lost.hidden = !row.has_lost_words;
  line.care.hidden = !row.care;
  line.referral.hidden = !row.has_referral_task;
  line.rung.hidden = !row.step;
  put(line.rung, `已升级到：${row.rung}`);
  for (const [badge, words] of [[line.relief, row.relief], [line.asked, row.asked], [line.called, row.called], [line.notCalled, row.not_called]]) {
    badge.hidden = !words;
    put(badge, words);
  }
  const isFree = row.state === "new" || row.state === "waiting_user" || (row.state === "closing" && row.ringing);
  line.claim.hidden = row.hidden ? !row.may_claim : !isFree && !(row.relief && row.owner_id !== me);
  put(line.claim, isFree ? "接手" : "接过来");
  line.claim.classList.toggle("main", row.state === "new" || Boolean(row.relief));
  tick(line, row);
}

function tick(line, row) {
  if (!row) return; // it has just left
  const waits = row.raised_at !== "";
  put(line.care, careWords(row));
  line.care.classList.toggle("loud", isLoud(row));
  line.clock.classList.toggle("late", waits && row.is_late);
  put(line.clock, waits ? span(row.raised_at) + (row.is_late ? " 超时" : "") : `${clock.format(new Date(row.opened_at))} 开案`);
}

function drop(id) {
  const line = lines.get(id);
  if (!line) return;
  if (line.node.contains(document.activeElement)) (line.node.nextElementSibling ?? line.node.previousElementSibling)?.focus();
  line.node.remove();
  lines.delete(id);
}

function lineFor(id) {
  if (!lines.has(id)) {
    lines.set(id, lineOf(blank.cloneNode(true)));
    fill(lines.get(id), rows.get(id));
  }
  return lines.get(id);
}

// ---- drawing, at most once a frame
function holds() {
  if (performance.now() - pointer_at > STILL_MS || document.hidden) held_since = 0;
  else held_since ||= performance.now();
  return held_since > 0 && performance.now() - held_since < LONGEST_HOLD_MS;
}

function schedule() {
  if (scheduled) return;
  scheduled = true;
  if (document.hidden) setTimeout(flush, 100); // a hidden page gets no frames
  else requestAnimationFrame(flush);
}

function flush() {
  scheduled = false;
  for (const id of dirty) if (rows.has(id) && lines.has(id)) fill(lines.get(id), rows.get(id));
  dirty.clear();
  count();
  if (holds()) setTimeout(schedule, 150);
  else arrange();
}

function count() {
  const counts = { in_service: 0, waiting_user: 0, closing: 0, rescue: 0, follow_up: 0, mine: 0, drill: 0, "new-1": 0, "new-2": 0, "new-3": 0, "new-4": 0 };
  for (const row of rows.values()) {
    if (row.is_drill) {
      counts.drill += 1; // counted nowhere else
      continue;
    }
    counts[row.state === "new" ? `new-${row.level}` : row.state] += 1;
    if (row.owner_id === me) counts.mine += 1;
  }
  for (const node of document.querySelectorAll("[data-count]")) {
    put(node, String(counts[node.dataset.count]));
    if (node.dataset.count.startsWith("new-")) node.parentNode.classList.toggle("some", counts[node.dataset.count] > 0);
  }
  document.getElementById("drill-count").hidden = counts.drill === 0;
  empty.hidden = rows.size > 0;
}

// ---- news
const keep = (row) => rows.set(row.id, { ...row, key: keyOf(row) });

function take(row) {
  touched.set(row.id, performance.now());
  bell(row);
  const known = rows.get(row.id);
  if (!row.in_queue) rows.delete(row.id);
  else keep(row);
  dirty.add(row.id);
  const says = (r) => r && `${r.state} ${r.level} ${r.raised_at} ${r.step} ${r.relief}`;
  if (says(known) !== says(rows.get(row.id))) ring();
  schedule();
}

// The first alarm at once, the others of a flood together.
function ring() {
  const wait_ms = document.hidden ? 0 : rang_at + 100 - performance.now();
  if (wait_ms > 0) {
    ringTimer ||= setTimeout(() => ((ringTimer = 0), ring()), wait_ms); // a timer may be early: it sets itself anew
    return;
  }
  clearTimeout(ringTimer);
  ringTimer = 0;
  rang_at = performance.now();
  alarm.update(rows.values());
}

async function resync() {
  const since = performance.now();
  const fresh = await getJson("/console/queue.json").catch(() => null);
  if (!fresh) return setTimeout(resync, 3000);
  showLost(fresh.undelivered);
  const there = new Set(fresh.rows.map((row) => row.id));
  const newer = (id) => (touched.get(id) ?? -1) > since; // the stream told of it meanwhile: the stream is right
  for (const row of fresh.rows) if (!newer(row.id)) keep(row), dirty.add(row.id);
  for (const id of rows.keys()) if (!there.has(id) && !newer(id)) rows.delete(id), dirty.add(id);
  alarm.update(rows.values());
  return schedule();
}

// ---- hands
async function claim(line) {
  if (line.claim.hidden || line.claim.disabled) return;
  line.claim.disabled = true;
  put(line.error, "");
  try {
    const isFree = line.node.dataset.state !== "in_service";
    await post(`/console/cases/${line.node.dataset.id}/${isFree ? "claim" : "take-over"}`);
    location.assign(`/console/cases/${line.node.dataset.id}`);
  } catch (error) {
    put(line.error, error.message);
    line.claim.disabled = false;
  }
}

const lineAt = (node) => lines.get(node?.closest?.("li.row")?.dataset.id);

function go(step) {
  const here = order.indexOf(lineAt(document.activeElement));
  const next = here < 0 ? order[0] : order[here + step];
  next?.node.focus({ preventScroll: true });
  next?.node.scrollIntoView({ block: "nearest" });
}

list.addEventListener("click", (event) => {
  if (event.target.closest(".claim")) claim(lineAt(event.target));
  const group = event.target.closest(".more-open")?.closest(".more").dataset.group;
  if (!group) return;
  room.set(group, (room.get(group) ?? ROOM) + ROOM);
  arrange();
});
list.addEventListener("pointermove", () => (pointer_at = performance.now()), { passive: true });
list.addEventListener("pointerleave", () => (pointer_at = -LONGEST_HOLD_MS));
document.addEventListener("visibilitychange", () => flush());
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.closest("input, textarea, select")) return;
  const line = lineAt(document.activeElement);
  if (event.key === "j") go(1);
  else if (event.key === "k") go(-1);
  else if (event.key === "c" && line && !event.repeat) claim(line);
  else if (event.key === "Enter" && line && event.target === line.node && !line.open.hidden) location.assign(line.open.href);
  else return;
  event.preventDefault();
});
for (const node of list.querySelectorAll("li.row")) {
  const [row, line] = [JSON.parse(node.dataset.row), lineOf(node)];
  delete node.dataset.row;
  keep(row);
  lines.set(row.id, line);
  fill(line, row);
}
arrange();
count();
if (rows.size === Number(list.dataset.total)) alarm.update(rows.values()); // else the whole list is on its way
setInterval(() => order.forEach((line) => tick(line, rows.get(line.node.dataset.id))), 1000);
setInterval(() => [...rows.values()].filter((row) => row.care?.by).forEach((row) => (dirty.add(row.id), schedule())), 5000); // a decision falls due
onActivity(resync);
openStream(list.dataset.cursor, { row: take, resync, state: (state) => alarm.connection(state) });
