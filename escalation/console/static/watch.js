// A page beside queue and case still hears every alarm: the strip, the sound, the numbers in the header.

import { Alarm } from "./alarm.js";
import { bell } from "./bell.js";
import { getJson } from "./http.js";
import { showLost } from "./lost.js";
import { openStream } from "./stream.js";

// `on`: row(values) for each row of the stream, resync() after every (re)connection. Does nothing for roles without a queue.
export function watch(on = {}) {
  if (!document.getElementById("strip")) return null;
  const cases = new Map();
  const alarm = new Alarm();
  const take = (row) => {
    if (row.state === "closed") cases.delete(row.id);
    else cases.set(row.id, row);
    if (row.what !== "message") alarm.update(cases.values());
    bell(row);
    on.row?.(row);
  };
  const resync = async () => {
    on.resync?.();
    const queue = await getJson("/console/queue.json").catch(() => null);
    if (!queue) return;
    showLost(queue.undelivered);
    cases.clear();
    for (const row of queue.rows) cases.set(row.id, row);
    alarm.update(cases.values());
  };
  openStream("", { row: take, resync, state: (state) => alarm.connection(state) });
  return alarm;
}
