// The tab 救援: the decision and its clock, what the dispatcher hears with the person's own words, calls, contacts.
// All words are somebody's own: textContent only.

import { put } from "./alarm.js";
import { post } from "./http.js";
import { make, redraw } from "./make.js";
import { clockOf } from "./messages.js";
import { span } from "./span.js";
import { mark } from "./tabs.js";

const part = (id) => document.getElementById(id);
const url = `/console/cases/${part("case").dataset.id}`;
const MOST_FOUND = 12;
let shown = null; // {rescue, messages, row}
let readOlder = null;

// `older` reads messages from further back; then this is drawn again.
export function drawRescue({ rescue, messages, row }, older) {
  const wasOpen = shown?.rescue.open;
  shown = { rescue, messages, row };
  readOlder = older;
  const { open, options } = rescue;
  put(part("rescue-line"), open ? `救援中：${open.basis}` : rescue.decide_by ? "红色个案：要决定是否启动救援" : "现在没有救援");
  const facts = open && [`${clockOf(open.at)} ${open.by} 启动：${open.reason}`, open.second && `第二人：${open.second}`, open.arrived_at && `${clockOf(open.arrived_at)} 确认到达：${open.arrival}`];
  put(part("rescue-facts"), facts ? facts.filter(Boolean).join("　") : "");
  part("rescue-proposed").hidden = !open?.outcome;
  put(part("rescue-proposed"), open?.outcome ? `${open.outcome_by}提交的结果：${open.outcome}（${open.outcome_note}）。${options.may_end ? "请核实后在下面确认。" : "等督导确认。"}` : "");
  part("rescue-start").hidden = Boolean(open) || !rescue.may_start;
  part("rescue-decline").hidden = !rescue.decide_by || row.state === "new";
  part("rescue-arrive").hidden = !open || Boolean(open.arrived_at);
  part("rescue-end").hidden = !open;
  if (open && !wasOpen) part("rescue-script").open = part("rescue-calls-card").open = true;
  drawSecond(rescue.second);
  drawLines();
  drawFound();
  drawLists();
  tickRescue();
  mark("rescue", rescue.second?.may ? "请您确认" : open && !open.arrived_at ? "未确认到达" : rescue.decide_by ? "要决定" : "");
}

function drawSecond(second) {
  part("rescue-confirm").hidden = !second;
  if (!second) return;
  part("rescue-confirm-form").hidden = !second.may;
  const who = second.may ? "请您作为第二人确认。" : second.asked ? `等${second.asked}（或值班长、督导）确认。` : "等另一位老师（值班长、督导）确认。";
  put(part("rescue-confirm-words"), `${clockOf(second.at)} ${second.by}启动了救援。依据：${second.basis}。危险：${second.reason}。${who}`);
}

export function tickRescue() {
  const { open, decide_since, decide_by } = shown.rescue;
  const clock = part("rescue-clock");
  const since = open && !open.arrived_at ? open.at : "";
  clock.hidden = !since && !decide_by;
  if (since) put(clock, `还没有确认到达　已启动 ${span(since)}`);
  else if (decide_by) put(clock, `${Math.round((Date.parse(decide_by) - Date.parse(decide_since)) / 60_000)} 分钟内要决定　已过 ${span(decide_since)}`);
}

// ---- what to say
function drawLines() {
  redraw(part("rescue-lines"), shown.rescue.lines, (line) => {
    const item = make("li");
    item.append(make("b", "", line.title), make("p", "", line.say));
    for (const quote of line.quotes) item.append(make("blockquote", "pre", `${clockOf(quote.at)}　${quote.text}`));
    if (line.slot && !line.quotes.length) item.append(make("p", "muted small", "（还没有引用来访者的话，请在下面找）"));
    return item;
  });
}

function drawFound() {
  const wanted = part("rescue-search").value.trim();
  const hinted = new Set(shown.rescue.lines.flatMap((line) => line.hints));
  const said = shown.messages.filter((m) => m.author === "visitor" && m.text).reverse();
  const found = said.filter((m) => (wanted ? m.text.includes(wanted) : hinted.has(m.id))).slice(0, MOST_FOUND);
  const known = new Set(said.map((m) => m.id));
  const isLacking = wanted ? found.length < MOST_FOUND : [...hinted].some((id) => !known.has(id));
  if (isLacking && !part("panel-rescue").hidden) readOlder();
  const slots = Object.entries(shown.rescue.options.slots);
  const picked = new Set(shown.rescue.lines.flatMap((line) => line.quotes.map((quote) => `${line.slot} ${quote.id}`)));
  redraw(part("rescue-found"), found.map((m) => ({ id: m.id, text: m.text, at: m.at, on: slots.map(([slot]) => picked.has(`${slot} ${m.id}`)) })), (m) => {
    const item = make("li");
    const line = make("p", "line");
    for (const [place, [slot, words]] of slots.entries()) {
      const button = make("button", "quiet pick", words);
      button.type = "button";
      button.setAttribute("aria-pressed", String(m.on[place]));
      button.addEventListener("click", () => quote(slot, m.id));
      line.append(button);
    }
    item.append(make("p", "pre", `${clockOf(m.at)}　${m.text}`), line);
    return item;
  });
}

async function quote(slot, message) {
  try {
    await post(`${url}/rescue/quote`, { slot, message });
    put(part("rescue-quote-error"), "");
  } catch (problem) {
    put(part("rescue-quote-error"), problem.message);
  }
}

// ---- who was called, whom they would want
function drawLists() {
  const { calls, near, past } = shown.rescue;
  put(part("rescue-calls-count"), calls.length ? ` ${calls.length} 个` : "");
  redraw(part("rescue-calls"), calls, (call) => {
    const item = make("li");
    const head = [clockOf(call.at), `${call.by} → ${call.whom}`, call.reference && `受理编号 ${call.reference}`, call.basis].filter(Boolean).join("　");
    item.append(make("p", "small muted", head), make("p", "pre", call.said));
    if (call.outcome) item.append(make("p", "pre", `对方：${call.outcome}`));
    return item;
  });
  put(part("near-count"), near.length ? ` ${near.length} 位` : "");
  redraw(part("near"), near, (one) => {
    const item = make("li", "line");
    const button = make("button", "quiet", "本人收回");
    button.type = "button";
    button.addEventListener("click", () => post(`${url}/rescue/contact/remove`, { contact: one.id }).catch((problem) => put(part("rescue-quote-error"), problem.message)));
    item.append(make("bdi", "", `${one.name}（${one.relation || "关系未说"}） ${one.phone}`), make("span", "muted small", `${one.basis}，${one.by}`), button);
    return item;
  });
  const choice = part("call-near").querySelector("select");
  redraw(choice, near, (one) => Object.assign(make("option", "", `${one.name} ${one.phone}`), { value: one.id }));
  part("rescue-past-card").hidden = past.length === 0;
  redraw(part("rescue-past"), past, (one) => {
    const words = [`${clockOf(one.at)} ${one.by}：${one.decision}`, one.basis, one.second && `第二人：${one.second}`, one.reason, one.arrived_at && `${clockOf(one.arrived_at)} 确认到达：${one.arrival}`, one.ended_at && `${clockOf(one.ended_at)} ${one.ended_by} 结束：${one.outcome}（${one.outcome_note}）`];
    return make("li", "pre", words.filter(Boolean).join("\n"));
  });
}

part("rescue-search").addEventListener("input", drawFound);
part("tab-rescue").addEventListener("click", drawFound);
part("rescue-start").addEventListener("change", () => {
  const basis = part("rescue-start").querySelector('input[name="basis"]:checked')?.value;
  part("rescue-second").hidden = !shown.rescue.options.bases.find((one) => one.code === basis)?.needs_second;
});
part("rescue-call").addEventListener("change", () => {
  const whom = part("rescue-call").elements.whom.value;
  part("call-near").hidden = whom !== "emergency_contact";
  part("call-basis").hidden = ["", "ambulance", "police", "fire"].includes(whom);
});
