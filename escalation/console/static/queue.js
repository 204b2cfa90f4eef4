// The queue: rows keyed by case, changed in place, moved only when their order changed.

import { Alarm, put, span } from "./alarm.js";
import { bell } from "./bell.js";
import { careWords, isLoud } from "./care-marks.js";
import { getJson, onActivity, post } from "./http.js";
import { showLost } from "./lost.js";
import { openStream } from "./stream.js";

const A_FRAME = 40; // rows handled in one frame: a flood never freezes the page
const STILL_MS = 700; // rows do not move away under a pointer that is about to click
const LONGEST_HOLD_MS = 3000;
const list = document.getElementById("queue");
const blank = document.getElementById("blank-row").content.firstElementChild;
const empty = document.getElementById("empty");
const me = document.body.dataset.me;
const rows = new Map(); // case id -> values
const lines = new Map(); // case id -> {node, key, ...}
const touched = new Map(); // case id -> when the stream last told of it
const dirty = new Set();
const alarm = new Alarm();
const clock = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hour12: false });
let order = []; // lines as shown
let scheduled = false;
let [pointer_at, held_since, rang_at, ringTimer] = [-LONGEST_HOLD_MS, 0, -100, 0];

// ---- order: what is loud first (unclaimed, words that did not arrive, rescue, overdue calls), then level, then who has waited longest
const keyOf = (row) => [row.state === "new" || row.ringing || isLoud(row) ? 0 : 1, -row.level, Date.parse(row.raised_at || row.opened_at), row.case_no];

function before(a, b) {
  const i = a.findIndex((value, place) => value !== b[place]);
  return i >= 0 && a[i] < b[i];
}

function placeOf(key) {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(order[middle].key, key)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function moveNode(node, next) {
  if (node.nextElementSibling === next && node.parentNode === list) return;
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  if (list.moveBefore && node.parentNode === list) list.moveBefore(node, next);
  else list.insertBefore(node, next);
  if (focused && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

function place(line, row) {
  const key = keyOf(row);
  const isNew = !line.key;
  if (!isNew && !before(key, line.key) && !before(line.key, key)) return;
  if (!isNew) order.splice(order.indexOf(line), 1);
  line.key = key;
  const at = placeOf(key);
  order.splice(at, 0, line);
  moveNode(line.node, order[at + 1]?.node ?? null);
}

// ---- one row
function lineOf(node) {
  const part = (name) => node.querySelector(name);
  return {
    node, key: null, level: part(".level"), number: part(".case-no"), clock: part(".clock"), state: part(".state"), owner: part(".owner"),
    drill: part(".drill"), wish: part(".wish"), lost: part(".lost"), care: part(".care"), referral: part(".referral"), rung: part(".rung"), called: part(".called"), notCalled: part(".not-called"), claim: part(".claim"), open: part(".open"), error: part(".error"),
  };
}

function fill(line, row) {
  const { node } = line;
  node.dataset.id = row.id;
  node.dataset.level = line.level.dataset.level = row.level;
  node.dataset.state = row.state;
  put(line.level, row.level_label);
  put(line.number, row.case_no);
  line.number.href = line.open.href = `/console/cases/${row.id}`;
  line.open.setAttribute("aria-label", `打开 ${row.case_no}`);
  line.claim.setAttribute("aria-label", `接手 ${row.case_no}`);
  put(line.state, row.state_label);
  put(line.owner, row.owner_id === me ? `我（${row.owner}）` : row.owner);
  line.drill.hidden = !row.is_drill;
  line.wish.hidden = !row.wish;
  line.lost.hidden = !row.has_lost_words;
  line.care.hidden = !row.care;
  line.referral.hidden = !row.has_referral_task;
  line.rung.hidden = !row.step;
  put(line.rung, `已升级到：${row.rung}`);
  for (const [badge, words] of [[line.called, row.called], [line.notCalled, row.not_called]]) {
    badge.hidden = !words;
    put(badge, words);
  }
  line.claim.hidden = row.state !== "new" && row.state !== "waiting_user";
  line.claim.classList.toggle("main", row.state === "new");
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
  order.splice(order.indexOf(line), 1);
  lines.delete(id);
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
  const hold = holds();
  const later = [];
  let done = 0;
  for (const id of dirty) {
    if (done >= A_FRAME && !document.hidden) break;
    dirty.delete(id);
    const [row, line] = [rows.get(id), lines.get(id)];
    if (hold && (!row || !line)) later.push(id);
    else if (!row) drop(id);
    else {
      const shown = line ?? lineOf(blank.cloneNode(true));
      lines.set(id, shown);
      fill(shown, row);
      if (hold) later.push(id);
      else place(shown, row);
    }
    done += 1;
  }
  const more = dirty.size > 0;
  later.forEach((id) => dirty.add(id));
  count();
  if (more) schedule();
  else if (later.length) setTimeout(schedule, 150);
}

function count() {
  const counts = { in_service: 0, waiting_user: 0, rescue: 0, follow_up: 0, mine: 0, "new-1": 0, "new-2": 0, "new-3": 0, "new-4": 0 };
  for (const row of rows.values()) {
    counts[row.state === "new" ? `new-${row.level}` : row.state] += 1;
    if (row.owner_id === me) counts.mine += 1;
  }
  for (const node of document.querySelectorAll("[data-count]")) {
    put(node, String(counts[node.dataset.count]));
    if (node.dataset.count.startsWith("new-")) node.parentNode.classList.toggle("some", counts[node.dataset.count] > 0);
  }
  empty.hidden = rows.size > 0;
}

// ---- news
function take(row) {
  touched.set(row.id, performance.now());
  bell(row);
  const known = rows.get(row.id);
  if (!row.in_queue) rows.delete(row.id);
  else rows.set(row.id, row);
  dirty.add(row.id);
  const says = (r) => r && `${r.state} ${r.level} ${r.raised_at} ${r.step}`;
  if (says(known) !== says(rows.get(row.id))) ring();
  schedule();
}

// The first alarm at once, the others of a flood together.
function ring() {
  const wait_ms = document.hidden ? 0 : rang_at + 100 - performance.now();
  if (wait_ms > 0) return (ringTimer ||= setTimeout(ring, wait_ms));
  ringTimer = clearTimeout(ringTimer);
  rang_at = performance.now();
  return alarm.update(rows.values());
}

async function resync() {
  const since = performance.now();
  const fresh = await getJson("/console/queue.json").catch(() => null);
  if (!fresh) return setTimeout(resync, 3000);
  showLost(fresh.undelivered);
  const there = new Set(fresh.rows.map((row) => row.id));
  const newer = (id) => (touched.get(id) ?? -1) > since; // the stream told of it meanwhile: the stream is right
  for (const row of fresh.rows) if (!newer(row.id)) rows.set(row.id, row), dirty.add(row.id);
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
    await post(`/console/cases/${line.node.dataset.id}/claim`);
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

list.addEventListener("click", (event) => event.target.closest(".claim") && claim(lineAt(event.target)));
list.addEventListener("pointermove", () => (pointer_at = performance.now()), { passive: true });
list.addEventListener("pointerleave", () => (pointer_at = -LONGEST_HOLD_MS));
document.addEventListener("visibilitychange", () => flush());
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.closest("input, textarea, select")) return;
  const line = lineAt(document.activeElement);
  if (event.key === "j") go(1);
  else if (event.key === "k") go(-1);
  else if (event.key === "c" && line && !event.repeat) claim(line);
  else if (event.key === "Enter" && line && event.target === line.node) location.assign(line.open.href);
  else return;
  event.preventDefault();
});
for (const node of list.querySelectorAll("li.row")) {
  const [row, line] = [JSON.parse(node.dataset.row), lineOf(node)];
  delete node.dataset.row;
  rows.set(row.id, row);
  lines.set(row.id, line);
  fill(line, row);
  line.key = keyOf(row);
  order.push(line);
}
order.sort((a, b) => (before(a.key, b.key) ? -1 : 1));
for (const [i, line] of order.entries()) if (list.children[i] !== line.node) moveNode(line.node, list.children[i]);
count();
alarm.update(rows.values());
setInterval(() => order.forEach((line) => tick(line, rows.get(line.node.dataset.id))), 1000);
setInterval(() => [...rows.values()].filter((row) => row.care?.by).forEach((row) => (dirty.add(row.id), schedule())), 5000); // a decision falls due
onActivity(resync);
openStream(list.dataset.cursor, { row: take, resync, state: (state) => alarm.connection(state) });
