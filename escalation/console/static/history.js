// Notes, level history and the timeline of the record.

import { put } from "./alarm.js";
import { make } from "./make.js";
import { clockOf } from "./messages.js";

const CHANGE_WORDS = { in_force: "已生效", proposed: "待第二人确认", confirmed: "第二人已同意", refused: "第二人未同意" };
const part = (id) => document.getElementById(id);

function entry(at, words, className = "") {
  const line = make("li", className);
  const time = make("time", "muted", clockOf(at));
  time.dateTime = at;
  line.append(time, " ", make("span", "pre", words));
  return line;
}

// Lists without inputs: cheap to draw again, and only when they changed.
function replaceList(list, lines) {
  const key = lines.map((line) => line.textContent).join("\n");
  if (list.drawn === key) return;
  list.drawn = key;
  list.replaceChildren(...lines);
}

function changeWords(c) {
  const second = c.second ? `（第二人：${c.second}）` : "";
  return `${c.from} → ${c.to_colour}·${c.to}，${c.by}，${CHANGE_WORDS[c.state] ?? c.state}${second}${c.reason ? `。理由：${c.reason}` : ""}`;
}

// `times`: when the case was claimed, first answered and closed, as the server said at load.
export function drawHistory({ row, changes, notes, messages }, times) {
  replaceList(part("notes"), notes.map((note) => entry(note.at, `${note.by}：${note.text}`)));
  put(part("notes-count"), notes.length ? ` ${notes.length} 条` : "");
  replaceList(part("changes"), changes.map((change) => entry(change.at, changeWords(change))));
  const { claimedAt, firstWordAt, closedAt } = times;
  const moments = [
    [row.opened_at, `开案${row.is_drill ? "（演练）" : ""}${row.wish ? `：${row.wish}` : ""}`],
    ...[[claimedAt, "第一次接手"], [firstWordAt, "老师的第一句话"], [closedAt, "结案"]].filter(([at]) => at),
    ...changes.map((change) => [change.at, `等级：${changeWords(change)}`]),
    ...notes.map((note) => [note.at, `备注（${note.by}）：${note.text}`]),
    ...messages.filter((m) => m.author === "system").map((m) => [m.at, `对来访者说：${m.text}`]),
  ];
  moments.sort(([a], [b]) => Date.parse(a) - Date.parse(b));
  replaceList(part("timeline"), moments.map(([at, words]) => entry(at, words)));
}
