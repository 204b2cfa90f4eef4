// The tab 保护与同意: a minor or not, what the person agreed to, what they asked of their records.

import { put } from "./alarm.js";
import { make } from "./make.js";
import { clockOf } from "./messages.js";
import { mark } from "./tabs.js";

const part = (id) => document.getElementById(id);
const select = part("consent-form").querySelector("select[name=purpose]");

export function drawLaw(law) {
  put(part("minor-state"), law.is_minor ? "未成年人" : "没有标记为未成年人");
  put(part("minor-why"), law.minor_why ? `${law.minor_why}，${clockOf(law.minor_at)}` : "");
  part("minor-mark").hidden = law.is_minor;
  part("minor-lift").hidden = !(law.is_minor && law.may_lift);
  mark("law", law.is_minor ? "未成年" : "");
  list(part("agreed-list"), law.consents, drawConsent, "还没有登记。问过以后在下面记下。");
  part("own-wishes").hidden = law.wishes.length === 0;
  list(part("wish-list"), law.wishes, drawWish, "");
  part("hold").hidden = !(law.may_hold || law.hold);
  part("hold-why").hidden = !law.hold;
  put(part("hold-why"), law.hold ? `${law.hold.by}，${clockOf(law.hold.at)}：${law.hold.reason}` : "");
  part("hold-place").hidden = !law.may_hold || Boolean(law.hold);
  part("hold-release").hidden = !law.may_hold || !law.hold;
}

function drawConsent(one) {
  const line = make("li");
  line.append(make("b", "", `${one.purpose}：${one.answer}`), make("span", "muted", ` ${one.how}，${one.by}，${clockOf(one.at)}`));
  return line;
}

function drawWish(one) {
  const line = make("li");
  line.append(make("b", "", one.what), make("span", "muted", ` ${one.state}，${clockOf(one.at)}`));
  if (one.note) line.append(make("p", "pre", `更正：${one.note}`));
  return line;
}

function list(node, items, draw, empty) {
  const key = JSON.stringify(items);
  if (node.drawn === key) return;
  node.drawn = key;
  node.replaceChildren(...(items.length ? items.map(draw) : [make("li", "muted", empty)]));
}

function tell() {
  const chosen = select.selectedOptions[0];
  put(part("consent-notice"), chosen.dataset.notice);
  put(part("consent-basis"), `依据：${chosen.dataset.basis}（待审核）`);
}

select.addEventListener("change", tell);
part("consent-form").addEventListener("reset", () => setTimeout(tell));
tell();
