// What of rescue, follow-up and reports of harm is loud on every screen: values of the row, and the clock of this moment.

import { now } from "./http.js";
import { span } from "./span.js";

// A decision may still be thought about until its time is over.
export const isLoud = (row) => Boolean(row.care) && (!row.care.by || now() > Date.parse(row.care.by));

// A rescue and its decision ring for those whom they wait for: who serves the case, and the duty lead.
const HEARD = new Set(["rescue", "decide"]);
export const isHeard = (row, { me, roles }) => isLoud(row) && HEARD.has(row.care.kind) && (row.owner_id === me || roles.split(" ").includes("duty_lead"));

export const careWords = (row) => (row.care ? `${row.care.words} ${span(row.care.since)}` : "");

// For the strip: what is loud among these rows, in one sentence, and the row to open.
export function loudest(rows) {
  const loud = [...rows].filter(isLoud);
  if (!loud.length) return null;
  const of = (kind) => loud.filter((row) => row.care.kind === kind);
  const [rescue, decide, second, report, overdue] = ["rescue", "decide", "second", "report", "overdue"].map(of);
  const words = [
    rescue.length ? `${rescue.length} 个救援还没有确认到达` : "",
    decide.length ? `${decide.length} 个红色个案还没有决定是否救援` : "",
    second.length ? `${second.length} 个救援超时没有第二人确认` : "",
    report.length ? `${report.length} 个强制报告超时` : "",
    overdue.length ? `${overdue.length} 个高危随访超期` : "",
  ].filter(Boolean);
  return { words: words.join("；"), first: [...rescue, ...decide, ...second, ...report, ...overdue][0], isRed: rescue.length + decide.length + second.length + report.length > 0 };
}
