// The tab 转介: the referrals of this case, changed in place; a link that was made stays until the page is left.

import { put } from "./alarm.js";
import { post } from "./http.js";
import { make } from "./make.js";
import { clockOf } from "./messages.js";
import { ReferForm } from "./refer_form.js";
import { drawTasks, sendOn } from "./referral_tasks.js";
import { choose, mark } from "./tabs.js";

const NOTES = [
  ["receive", "对方说：已收到"], ["accept", "对方说：接受"], ["decline", "对方说：不能接收"], ["hand_over", "和具体的人交接了"],
  ["return", "回转：到诊了吗、结果"], ["withdraw", "撤回转介"], ["finish", "了结：问不到结果"],
];
const ASKS = { decline: "原因", return: "结果", withdraw: "撤回的理由", finish: "了结的理由" };
const part = (id) => document.getElementById(id);
const blank = part("blank-referral").content.firstElementChild;
const blankTask = part("blank-task").content.firstElementChild;
const me = document.body.dataset.me;
const cards = new Map(); // referral id -> node
let form = null;
let refresh = () => {};

export function startReferrals(url, again) {
  refresh = again;
  form = new ReferForm(url, again);
  if (location.hash === "#referral") choose(part("tab-referral"));
}

function cardOf(one) {
  const node = blank.cloneNode(true);
  const find = (name) => node.querySelector(name);
  put(find(".place"), one.institution);
  put(find(".kind"), one.kind);
  find(".urgent").hidden = !one.is_urgent;
  find(".letter-link").href = `/console/referrals/${one.id}/letter`;
  put(find(".phones"), one.phones.length ? `电话 ${one.phones.join("；")}` : "");
  put(find(".basis"), `依据：${one.basis}。${one.basis_words}（${one.direction}，${one.method}，${one.by}）`);
  sendOn(find(".decision"), `/console/referrals/${one.id}/decision`, () => refresh());
  sendOn(find(".note"), `/console/referrals/${one.id}/note`, () => {
    find(".noted").open = false;
    refresh();
  });
  find(".note").addEventListener("input", () => askFor(node));
  find(".link").addEventListener("click", () => makeLink(node, one.id));
  find(".copy").addEventListener("click", () => navigator.clipboard?.writeText(find(".url").textContent));
  return node;
}

function askFor(node) {
  const action = node.querySelector("[name=action]").value;
  node.querySelector(".returned").hidden = action !== "return";
  put(node.querySelector(".asks"), ASKS[action] ?? "说了什么");
}

async function makeLink(node, id) {
  const find = (name) => node.querySelector(name);
  const error = find(".ways .error");
  put(error, "");
  try {
    const made = await post(`/console/referrals/${id}/link`);
    put(find(".url"), location.origin + made.path);
    put(find(".made-link .code"), made.code);
    put(find(".until"), clockOf(made.expires_at));
    find(".made-link").hidden = false;
    node.dataset.linkFor = node.dataset.state;
  } catch (problem) {
    put(error, problem.message);
  }
}

function fill(node, one, { may, decides }) {
  const find = (name) => node.querySelector(name);
  const waits = one.tasks.length > 0;
  node.dataset.waits = waits ? "yes" : "no";
  put(find(".state"), [one.state_words, one.attended].filter(Boolean).join("："));
  put(find(".link-state"), one.may_link ? one.link : "");
  put(find(".due"), one.due_at ? `等到 ${clockOf(one.due_at)}` : "");
  find(".decision").hidden = !(one.state === "proposed" && decides && one.by_id !== me);
  find(".link").hidden = !(may && one.may_link);
  node.dataset.state = one.state;
  if (node.dataset.linkFor !== one.state) find(".made-link").hidden = true; // the code served; it need not stay on the screen
  const options = NOTES.filter(([action]) => one.may.includes(action));
  if (one.tasks.some((task) => task.kind === "tell_person")) options.push(["tell", "已事后告知本人"]);
  find(".noted").hidden = !(may && options.length);
  const select = find("[name=action]");
  const key = JSON.stringify(options);
  if (select.drawn !== key) {
    const before = select.value;
    select.drawn = key;
    select.replaceChildren(...[["", "请选择"], ...options].map(([value, words]) => Object.assign(make("option", "", words), { value })));
    if (options.some(([action]) => action === before)) select.value = before;
  }
  drawTasks(find(".tasks"), one.tasks, blankTask, me, () => refresh());
  const lines = one.history.map((entry) => make("li", "pre", `${clockOf(entry.at)} ${entry.by} ${entry.what}${entry.words ? `：${entry.words}` : ""}`));
  find(".history").replaceChildren(...lines);
}

export function drawReferrals({ referral, row }) {
  for (const one of [...referral.list].reverse()) {
    const node = cards.get(one.id) ?? cardOf(one);
    if (!cards.has(one.id)) part("referrals").prepend(node);
    cards.set(one.id, node);
    fill(node, one, referral);
  }
  part("no-referrals").hidden = referral.list.length > 0;
  const tasks = referral.list.flatMap((one) => one.tasks);
  mark("referral", tasks.length ? String(tasks.length) : "");
  part("inform").hidden = !referral.may;
  form.draw(referral.known, row.level, referral.may);
  const named = referral.named.map((one) => `${clockOf(one.at)} ${one.by} 给了号码（不算转介）：${one.words}`);
  const sent = referral.incoming.map((one) => `${clockOf(one.at)} ${one.by} 登记转入：${one.source}。${one.words}`);
  part("named").replaceChildren(...[...sent, ...named].map((words) => make("li", "pre small", words)));
}
