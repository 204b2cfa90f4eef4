// Notes, level history and the timeline, which is read from the server page by page, newest first.

import { put } from "./alarm.js";
import { getJson } from "./http.js";
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
function replaceList(list, items, draw) {
  const key = JSON.stringify(items);
  if (list.drawn === key) return;
  list.drawn = key;
  list.replaceChildren(...items.map(draw));
}

function changeWords(c) {
  const second = c.second ? `（第二人：${c.second}）` : "";
  return `${c.from} → ${c.to_colour}·${c.to}，${c.by}，${CHANGE_WORDS[c.state] ?? c.state}${second}${c.reason ? `。理由：${c.reason}` : ""}`;
}

// `redact` is null for whoever may not take words out.
export function drawHistory({ changes, notes }, redact) {
  replaceList(part("notes"), notes, (note) => {
    if (note.redacted) return entry(note.at, `${note.by}：（内容已遮蔽：${note.redacted_by}，理由：${note.redaction}）`, "muted");
    const line = entry(note.at, `${note.what === "备注" ? "" : `【${note.what}】`}${note.by}：${note.text}`);
    if (redact) {
      const button = make("button", "link small", "遮蔽");
      button.type = "button";
      button.addEventListener("click", () => redact({ note: note.id, words: "这条备注" }));
      line.append(" ", button);
    }
    return line;
  });
  put(part("notes-count"), notes.length ? ` ${notes.length} 条` : "");
  replaceList(part("changes"), changes, (change) => entry(change.at, changeWords(change)));
}

export class Timeline {
  constructor(url) {
    this.url = url;
    this.timer = 0;
    part("timeline-more").addEventListener("click", () => this.more());
    part("tab-history").addEventListener("click", () => this.soon());
  }

  // Read again when somebody looks at it.
  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => part("panel-history").hidden || this.read(), 300);
  }

  async read() {
    try {
      this.show(await getJson(`${this.url}/timeline.json`), []);
    } catch (error) {
      put(part("timeline-error"), error.message);
      part("timeline-wait").hidden = true;
    }
  }

  async more() {
    const before = this.shown ?? [];
    try {
      this.show(await getJson(`${this.url}/timeline.json?skip=${before.length}`), before);
    } catch (error) {
      put(part("timeline-error"), error.message);
    }
  }

  show({ total, moments }, before) {
    this.shown = [...before, ...moments];
    part("timeline-wait").hidden = true;
    put(part("timeline-error"), "");
    put(part("timeline-total"), `${total} 条`);
    replaceList(part("timeline"), this.shown, (m) => entry(m.at, m.by ? `${m.by}　${m.words}` : m.words, `moment-${m.kind}`));
    part("timeline-more").hidden = this.shown.length >= total;
  }
}
