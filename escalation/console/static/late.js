// How many follow-ups are overdue: the number beside 随访 in the header, on every page that watches.

import { getJson } from "./http.js";

export async function countLate() {
  const mark = document.getElementById("late-count");
  if (!mark) return;
  const { overdue } = await getJson("/console/follow-ups/count.json").catch(() => ({}));
  if (overdue === undefined) return; // the next event or connection asks again
  mark.hidden = overdue === 0;
  mark.textContent = String(overdue);
  mark.setAttribute("aria-label", `${overdue} 个随访超期`);
}
