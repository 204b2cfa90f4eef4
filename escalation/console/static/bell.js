// What partners answered and what falls due about referrals: one soft sound for those it concerns, and how much is to do.

import { getJson } from "./http.js";
import { heedSafeguarding } from "./safeguarding_bell.js";
import * as sound from "./sound.js";
import { heedTwo } from "./two_bell.js";

const { me, roles } = document.body.dataset;
const isLead = /duty_lead|supervisor/.test(roles);
const FOR_OWNER = {
  referral_receive: "合作机构已收到转介", referral_accept: "合作机构接受了转介", referral_decline: "合作机构不能接收，请另选机构",
  referral_return: "合作机构回转了信息", referral_overdue: "转介到时间没有确认，请打电话", referral_confirm: "第二人同意了转介",
  referral_refuse: "第二人不同意转介", referral_link_locked: "转介链接输错5次访问码，已锁上",
};
const FOR_LEADS = { referral_proposed: "有转介等第二人决定", referral_overdue: FOR_OWNER.referral_overdue };
const EVERY_MS = 60_000;
const SOON_MS = 400;
let timer = 0;

// A row of the stream; what one did oneself rings for nobody.
export function bell(row) {
  heedSafeguarding(row);
  heedTwo(row);
  if (!row.what.startsWith("referral_")) return;
  clearTimeout(timer);
  timer = setTimeout(count, SOON_MS);
  if (row.data?.by === me) return;
  const words = ((row.owner_id === me || (isLead && !row.owner_id)) && FOR_OWNER[row.what]) || (isLead && FOR_LEADS[row.what]);
  if (!words) return;
  sound.once("soft");
  const announce = document.getElementById("announce");
  if (announce) announce.textContent = `${words}：${row.case_no}`;
}

async function count() {
  const mark = document.getElementById("referral-count");
  const found = mark && (await getJson("/console/referrals/count.json").catch(() => null));
  if (!found) return;
  mark.hidden = found.tasks === 0;
  mark.textContent = String(found.tasks);
  mark.setAttribute("aria-label", `${found.tasks} 件转介的事要处理`);
}

count();
setInterval(count, EVERY_MS);
