// 合规: wishes with clocks, leave to read minors' cases, retention. Keyed cards changed in place: nothing typed is lost.

import { put } from "./alarm.js";
import { getJson, onActivity, post } from "./http.js";
import { make } from "./make.js";
import { clockOf } from "./messages.js";
import { watch } from "./watch.js";

const part = (id) => document.getElementById(id);
const page = part("law");
const first = JSON.parse(page.dataset.values);
delete page.dataset.values;

const ANSWERS = { copy: "准备好并把链接发给本人", correction: "记下更正并告诉本人", deletion: "答复本人，一天后执行" };

// Draws a list of cards by key; `fill` gets the node and its item.
function cards(list, blank, items, keyOf, fill) {
  const nodes = new Map([...list.children].map((node) => [node.dataset.key, node]));
  for (const [key, node] of nodes) if (!items.some((item) => keyOf(item) === key)) node.remove();
  for (const [place, item] of items.entries()) {
    const key = keyOf(item);
    let node = nodes.get(key);
    if (!node) {
      node = part(blank).content.firstElementChild.cloneNode(true);
      node.dataset.key = key;
    }
    fill(node, item);
    if (list.children[place] !== node) list.insertBefore(node, list.children[place] ?? null);
  }
}

function rows(body, items, cells) {
  body.replaceChildren(
    ...items.map((item) => {
      const row = make("tr");
      row.append(...cells(item).map((words) => make("td", "", String(words))));
      return row;
    }),
  );
}

function form(node, name, isShown, url) {
  const found = node.querySelector(`form.${name}`);
  found.hidden = !isShown;
  found.onsubmit = (event) => send(event, url);
}

function due(node, words, isLate) {
  put(node, words);
  node.className = isLate ? "due clock late" : "due muted";
}

function drawGrant(node, grant) {
  const find = (name) => node.querySelector(name);
  put(find(".what"), grant.is_broken ? "紧急打开，待复核" : "申请查阅");
  put(find(".case-no"), grant.case_no);
  put(find(".by"), grant.by);
  put(find(".at"), clockOf(grant.at));
  due(find(".due"), grant.due_at ? `${grant.is_late ? "已超时，应在" : "请在"} ${clockOf(grant.due_at)} 前复核` : "", grant.is_late);
  put(find(".purpose"), grant.purpose);
  find(".mine").hidden = !grant.is_mine;
  form(node, "decide", !grant.is_broken && !grant.is_mine, `grants/${grant.id}/decision`);
  form(node, "review", grant.is_broken && !grant.is_mine, `grants/${grant.id}/review`);
}

function drawWish(node, wish, may) {
  const find = (name) => node.querySelector(name);
  put(find(".what"), wish.what);
  put(find(".channel"), wish.channel);
  find(".drill").hidden = !wish.is_drill;
  put(find(".cases"), wish.cases.length ? `个案 ${wish.cases.join("、")}` : "没有个案");
  const late = wish.is_late ? "已超过期限：" : "";
  due(find(".due"), wish.is_answered ? `已答复，${clockOf(wish.carry_out_at)} 执行` : `${late}${wish.due_day}前答复`, wish.is_late);
  put(find(".going"), wish.going);
  find(".held").hidden = !wish.hold;
  put(find(".held"), wish.hold ? `依法保留中：${wish.hold}` : "");
  find(".correction").hidden = wish.kind !== "correction";
  find(".correction input").required = wish.kind === "correction";
  put(find(".answer button"), ANSWERS[wish.kind]);
  form(node, "answer", may.rights_answer && wish.may_answer, `requests/${wish.id}/answer`);
  form(node, "refuse", may.rights_answer && !wish.is_answered, `requests/${wish.id}/refuse`);
  form(node, "hold", may.legal_hold && !wish.hold, `requests/${wish.id}/hold`);
  form(node, "release", may.legal_hold && Boolean(wish.hold), `requests/${wish.id}/release`);
}

function drawWaiting(node, one) {
  put(node.querySelector(".name"), one.name);
  put(node.querySelector(".count"), `${one.count} 条在 ${one.until} 以前已经结束，到期了。确认后，下一个夜里删除，不能恢复。`);
  put(node.querySelector(".basis"), `依据：${one.basis}`);
  node.querySelector("input[name=seen]").value = one.count;
  put(node.querySelector("button"), `确认删除这 ${one.count} 条`);
  form(node, "approve", true, `retention/${one.kind}`);
}

function draw(values) {
  const { may, wishes, grants, readings, retention } = values;
  part("grants-box").hidden = !may.minor_access_decide;
  part("wishes-box").hidden = !(may.rights_answer || may.legal_hold);
  part("readings-box").hidden = !may.minor_log;
  part("retention-box").hidden = !retention;
  cards(part("grants"), "blank-grant", grants, (grant) => grant.id, drawGrant);
  cards(part("wishes"), "blank-wish", wishes, (wish) => wish.id, (node, wish) => drawWish(node, wish, may));
  part("no-grants").hidden = grants.length > 0;
  part("no-wishes").hidden = wishes.length > 0;
  rows(part("readings"), readings, (one) => [clockOf(one.at), one.case_no, one.by, one.passage, one.purpose]);
  if (!retention) return;
  cards(part("waiting"), "blank-waiting", retention.waiting, (one) => one.kind, drawWaiting);
  rows(part("rules"), retention.rules, (rule) => [rule.name, rule.days, rule.action, rule.by, `${rule.basis}${rule.is_unread ? "（待审核）" : ""}`]);
  rows(part("runs"), retention.runs, (run) => [run.night, run.name, run.count, run.is_done ? (run.by ? `已完成，${run.by}确认` : "已完成") : "还没做完，夜里继续"]);
}

async function send(event, url) {
  event.preventDefault();
  const sent = event.currentTarget;
  const error = sent.querySelector(".error");
  if (sent.dataset.busy) return;
  const fields = Object.fromEntries(new FormData(sent));
  if (event.submitter?.name) fields[event.submitter.name] = event.submitter.value;
  sent.dataset.busy = "yes";
  put(error, "");
  try {
    await post(`/console/law/${url}`, fields);
    await refresh();
  } catch (problem) {
    put(error, problem.message);
  }
  delete sent.dataset.busy;
}

async function refresh(query = "") {
  const fresh = await getJson(`/console/law.json${query}`).catch(() => null);
  if (fresh) draw(fresh);
}

draw(first);
onActivity(() => refresh());
if (first.may.queue_view) watch({ row: (row) => /^(minor_|law_)/.test(row.what) && refresh(), resync: () => refresh() });
else setInterval(() => refresh("?timer=true"), 30_000);
