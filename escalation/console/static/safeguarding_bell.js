// Clocks of safeguarding: how many run, beside 保护 in the header; and a sound when one has run out.

import { getJson } from "./http.js";
import * as sound from "./sound.js";

const EVERY_MS = 60_000;
const SOON_MS = 400;
const isLead = /duty_lead|supervisor/.test(document.body.dataset.roles ?? "");
const FOR_LEADS = {
  safeguarding_overdue: "保护：有一件限时要办的事超时了", safeguarding_report_make: "有人标记了强制报告", safeguarding_report_decline: "不报告要第二人决定",
  safeguarding_breach_make: "突破保密要第二人决定", safeguarding_complaint_make: "来了一条投诉",
};
let timer = 0;

export function heedSafeguarding(row) {
  if (!row.what.startsWith("safeguarding_")) return;
  clearTimeout(timer);
  timer = setTimeout(countSafeguarding, SOON_MS);
  const words = isLead && row.data?.by !== document.body.dataset.me && FOR_LEADS[row.what];
  if (!words) return;
  sound.once(row.what === "safeguarding_overdue" ? "burst" : "soft");
  const announce = document.getElementById("announce");
  if (announce) announce.textContent = `${words}：${row.case_no}`;
}

export async function countSafeguarding() {
  const mark = document.getElementById("safeguarding-count");
  const found = mark && (await getJson("/console/safeguarding/count.json").catch(() => null));
  if (!found) return;
  mark.hidden = found.tasks === 0;
  mark.textContent = String(found.tasks);
  mark.setAttribute("aria-label", `${found.tasks} 件保护的事要办`);
}

countSafeguarding();
setInterval(countSafeguarding, EVERY_MS);
