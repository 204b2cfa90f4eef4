// The page for rescue and referral: one button, and the alarm of every page.

import { Alarm } from "./alarm.js";
import { getJson } from "./http.js";
import { openStream } from "./stream.js";

const cases = new Map();
const alarm = new Alarm();

async function resync() {
  const queue = await getJson("/console/queue.json").catch(() => null);
  if (!queue) return;
  cases.clear();
  for (const row of queue.rows) cases.set(row.id, row);
  alarm.update(cases.values());
}

function take(row) {
  if (row.has_ended) cases.delete(row.id);
  else cases.set(row.id, row);
  if (row.what !== "message") alarm.update(cases.values());
}

document.getElementById("print").addEventListener("click", () => print());
openStream("", { row: take, resync, state: (state) => alarm.connection(state) });
