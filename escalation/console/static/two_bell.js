// What two people decide: closings that wait for a signature, rescues that wait for a second person. How many closings
// wait stands in the header; whom it concerns hears one sound.

import { getJson } from "./http.js";
import * as sound from "./sound.js";

const EVERY_MS = 60_000;
const SOON_MS = 400;
const { me, roles } = document.body.dataset;
const isSupervisor = /supervisor/.test(roles ?? "");
const isLead = isSupervisor || /duty_lead/.test(roles ?? "");
const LOUD = ["closing_overdue", "rescue_second_overdue", "rescue_second_refused"];
let timer = 0;

function wordsFor({ what, data, owner_id }) {
  if (what === "closing_submitted") return isSupervisor && "有结案等督导签字";
  if (what === "closing_overdue") return isSupervisor && "有结案超时没有签字";
  if (what === "closing_returned") return data.to === me && "督导退回了您提交的结案";
  if (what === "rescue_second_overdue") return isLead && "救援超时没有第二人确认";
  if (what === "rescue_second_refused") return (isSupervisor || owner_id === me) && "第二人不同意救援，请督导决定";
  if (what !== "rescue_started" || !data.waits) return "";
  return data.asked === me ? "请您作为第二人确认救援" : isLead && "有救援等第二人确认";
}

export function heedTwo(row) {
  if (row.what.startsWith("closing_") || row.state === "closing" || row.what === "alert") {
    clearTimeout(timer);
    timer = setTimeout(count, SOON_MS);
  }
  const words = row.data?.by !== me && wordsFor({ ...row, data: row.data ?? {} });
  if (!words) return;
  sound.once(LOUD.includes(row.what) ? "burst" : "soft");
  const announce = document.getElementById("announce");
  if (announce) announce.textContent = `${words}：${row.case_no}`;
}

async function count() {
  const mark = document.getElementById("closing-count");
  const found = mark && (await getJson("/console/closings/count.json").catch(() => null));
  if (!found) return;
  mark.hidden = found.waiting === 0;
  mark.textContent = String(found.waiting);
  mark.setAttribute("aria-label", `${found.waiting} 个结案等签字`);
}

count();
setInterval(count, EVERY_MS);
