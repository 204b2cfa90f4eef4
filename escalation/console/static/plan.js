// The tab 安全计划 beside its fields: what the person has, and whether it may be given now.

import { put } from "./alarm.js";
import { make } from "./make.js";
import { clockOf } from "./messages.js";

const part = (id) => document.getElementById(id);

export function drawPlan({ safety_plan: plan, is_owner }) {
  const [newest] = plan.versions;
  part("plan-known").hidden = !newest && !plan.text;
  put(part("plan-known-when"), newest ? `${clockOf(newest.at)} 发出${plan.is_changed ? "，之后有改动没有发" : ""}` : "（还没有发给来访者）");
  put(part("plan-known-text"), plan.text);
  part("plan-give").querySelector("button").disabled = !is_owner;
  put(part("plan-give-why"), is_owner ? (newest && !plan.is_changed ? "来访者手里的就是这一版" : "") : "接手后可以发");
  put(part("plan-count"), plan.versions.length ? `${plan.versions.length} 版` : "还没有发过");
  const key = JSON.stringify(plan.versions);
  if (part("plan-versions").drawn === key) return;
  part("plan-versions").drawn = key;
  part("plan-versions").replaceChildren(...plan.versions.map(version));
}

function version(one) {
  const line = make("li");
  line.append(make("p", "muted small", `${clockOf(one.at)} ${one.by}${one.here ? "" : "（另一个个案）"}`), make("p", "pre", one.text));
  return line;
}
