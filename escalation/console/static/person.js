// Who the person is: name, channel, whether words get through, linked conversations, plan, what people decided.
// Names and texts are other people's: textContent only, and <bdi> so that no name turns the line around.

import { put } from "./alarm.js";
import { make, redraw } from "./make.js";
import { clockOf } from "./messages.js";

const part = (id) => document.getElementById(id);
const bytes = new TextEncoder();

export function drawPerson(person) {
  put(part("person-name"), person.name || "匿名来访者");
  put(part("person-channel"), person.channel);
  put(part("person-scene"), person.scene ? `来自：${person.scene}` : "");
  part("person-scene").hidden = !person.scene;
  part("person-blocked").hidden = !person.is_blocked;
  put(part("person-reach"), person.reach);
  part("person-reach").dataset.open = person.is_open ? "yes" : "no";
  drawPlan(person.plan);
  drawOthers(person.others);
  redraw(part("decisions"), person.decisions, (one) => {
    const line = make("li");
    line.append(make("span", "muted", `${clockOf(one.at)} ${one.by} `), `${one.what}：`, make("bdi", "pre", one.reason));
    return line;
  });
}

function drawPlan(plan) {
  part("plan").hidden = !plan;
  put(part("plan-text"), plan?.text ?? "");
  put(part("plan-by"), plan ? `${plan.by}，${clockOf(plan.at)}` : "");
  const box = part("plan-form").querySelector("textarea");
  if (box.defaultValue !== (plan?.text ?? "")) box.defaultValue = plan?.text ?? ""; // what is being typed stays
}

function drawOthers(others) {
  part("others-box").hidden = others.length === 0;
  redraw(part("others"), others, (other) => {
    const line = make("li", "line");
    const level = make("span", "level small-level", other.level_label);
    level.dataset.level = other.level;
    line.append(level, make("span", "", other.channel), make("bdi", "", other.name));
    if (other.case_id) {
      const link = make("a", "", other.case_no);
      link.href = `/console/cases/${other.case_id}`;
      line.append(link);
    } else line.append(make("span", "muted", "没有未结个案"));
    if (other.at) line.append(make("span", "muted", `最后来信 ${clockOf(other.at)}`));
    return line;
  });
}

// What happens if this is sent now; `waiting` = how many are still on their way.
export function reachWarning(person, waiting, text) {
  if (!person.is_open) return "现在写的话送不到来访者，会列入“未送达”。请打电话或换渠道。";
  if (person.left === null) return "";
  const left = person.left - waiting;
  const pieces = Math.max(1, person.bubble_bytes ? Math.ceil(bytes.encode(text).length / person.bubble_bytes) : 1);
  if (left <= 0) return "平台允许的条数都给了正在送出的话，再写的会列入“未送达”，要等来访者再写来。";
  if (pieces > left) return `这段话要分 ${pieces} 条发，只剩 ${left} 条：后面的送不到，请写短一些。`;
  if (pieces < left) return "";
  return "这是平台允许的最后一条：发出后，要等来访者再写来才能继续发。请把最要紧的话和联系电话写进去。";
}
