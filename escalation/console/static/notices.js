// Where I am called: keyed by address, changed in place; a trial is watched until it is seen or has failed.

import { Alarm, put } from "./alarm.js";
import { canKnock, endpointHere, turnOffHere, turnOnHere } from "./device.js";
import { getJson, onActivity, post, SignedOut } from "./http.js";
import { clockOf } from "./messages.js";
import { openStream } from "./stream.js";

const WATCH_MS = 2000;
const WATCH_FOR_MS = 5 * 60_000;
const part = (id) => document.getElementById(id);
const list = part("addresses");
const blank = part("blank-address").content.firstElementChild;
const device = part("device");
const lines = new Map(); // address id -> node
const day = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", month: "long", day: "numeric" });
const cases = new Map(); // rows of the whole queue, for the alarm
const alarm = new Alarm();
let here = "";
let timer = 0;
let watchUntil = 0;

function make(address) {
  const node = blank.cloneNode(true);
  const find = (name) => node.querySelector(name);
  put(find(".carrier"), address.carrier_word);
  put(find(".where"), address.is_push ? `${day.format(new Date(address.added_at))}添加的浏览器` : address.address);
  find(".trial").addEventListener("click", () => act(node, address, "trial"));
  find(".switch").addEventListener("click", () => act(node, address, node.dataset.on === "yes" ? "off" : "on"));
  find(".remove").addEventListener("click", () => remove(node, address));
  return node;
}

function fill(node, address) {
  const find = (name) => node.querySelector(name);
  node.dataset.on = address.is_on ? "yes" : "no";
  find(".here").hidden = !address.is_push || address.address !== here;
  find(".off").hidden = address.is_on;
  put(find(".confirmed"), address.is_confirmed ? "✓ 确认能收到" : "还没有确认能收到");
  put(find(".switch"), address.is_on ? "暂停" : "恢复");
  put(find(".result"), address.trial ? `${clockOf(address.trial_at)} ${address.trial}` : "");
}

function draw({ addresses }) {
  const there = new Set(addresses.map((address) => address.id));
  for (const [id, node] of lines) if (!there.has(id)) node.remove(), lines.delete(id);
  for (const [place, address] of addresses.entries()) {
    const node = lines.get(address.id) ?? make(address);
    lines.set(address.id, node);
    fill(node, address);
    if (list.children[place] !== node) list.insertBefore(node, list.children[place] ?? null);
  }
  part("none").hidden = addresses.length > 0;
  if (device) put(device, addresses.some((address) => address.is_push && address.address === here) ? "在这台设备上关闭" : "在这台设备上打开");
  clearTimeout(timer);
  if (addresses.some((address) => address.is_trying) && Date.now() < watchUntil) timer = setTimeout(refresh, WATCH_MS);
}

async function refresh() {
  try {
    here = await endpointHere();
    draw(await getJson("/console/notices.json"));
  } catch (error) {
    if (error instanceof SignedOut) alarm.connection("out");
    else timer = setTimeout(refresh, WATCH_MS);
  }
}

// Do it, say beside the button what went wrong, and show what there is now.
async function attempt(error, work) {
  put(error, "");
  try {
    await work();
    watchUntil = Date.now() + WATCH_FOR_MS;
    await refresh();
    return true;
  } catch (problem) {
    put(error, problem.message);
    return false;
  }
}

const act = (node, address, what) => attempt(node.querySelector(".error"), () => post(`/console/notices/${address.id}/${what}`));

async function remove(node, address) {
  if (address.is_push && address.address === here) await turnOffHere();
  await act(node, address, "remove");
}

async function press() {
  device.disabled = true;
  const mine = [...lines].find(([, node]) => !node.querySelector(".here").hidden);
  await attempt(part("device-error"), async () => {
    if (mine) {
      await turnOffHere();
      return post(`/console/notices/${mine[0]}/remove`);
    }
    return post("/console/notices/add", { carrier: "push", address: await turnOnHere(device.dataset.key) });
  });
  device.disabled = false;
}

async function add(event) {
  event.preventDefault();
  const form = event.currentTarget;
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  const fields = { carrier: form.dataset.carrier, address: form.elements.address.value };
  if (await attempt(form.querySelector(".error"), () => post("/console/notices/add", fields))) form.reset();
  delete form.dataset.busy;
}

async function resync() {
  const queue = await getJson("/console/queue.json").catch(() => null);
  if (!queue) return;
  cases.clear();
  for (const row of queue.rows) cases.set(row.id, row);
  alarm.update(cases.values());
}

function take(row) {
  if (row.state === "closed") cases.delete(row.id);
  else cases.set(row.id, row);
  alarm.update(cases.values());
}

for (const form of document.querySelectorAll("form.add")) form.addEventListener("submit", add);
device?.addEventListener("click", press);
if (device && !canKnock()) put(part("device-error"), "这个浏览器没有通知功能，或者没有用 https 打开");
draw(JSON.parse(list.dataset.state));
delete list.dataset.state;
onActivity(refresh);
refresh();
openStream("", { row: take, resync, state: (state) => alarm.connection(state) });
