// What helps to fill the record: what is still unasked with a question to ask, what the person already said, what
// closing lacks, and the person's other cases.

import { put } from "./alarm.js";
import { make } from "./make.js";
import { clockOf } from "./messages.js";
import { choose, mark } from "./tabs.js";

const MOST_UNASKED = 8;
const part = (id) => document.getElementById(id);
const days = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", dateStyle: "medium" });

function button(words, className, work) {
  const made = make("button", className, words);
  made.type = "button";
  made.addEventListener("click", work);
  return made;
}

// Drawn again only when something changed: a button under the hand stays where it is.
function fill(list, items, draw) {
  const key = JSON.stringify(items);
  if (list.drawn === key) return false;
  list.drawn = key;
  list.replaceChildren(...items.map(draw));
  return true;
}

export class Asking {
  constructor(boxes, page, accept) {
    this.boxes = boxes;
    this.page = page;
    this.accept = accept;
    part("ask-insert").addEventListener("click", () => page.insert(part("ask-words").textContent));
  }

  // To the field, wherever it is folded away.
  jump(key) {
    choose(part("tab-record"));
    const box = this.boxes.get(key);
    box.focus();
    part("ask").hidden = !box.question;
    put(part("ask-words"), box.question);
  }

  draw(record, isOwner) {
    part("ask-insert").hidden = !isOwner;
    this.drawUnasked(record);
    this.drawProposals(record.may_edit ? record.proposals : []);
    this.drawGaps(record.gaps);
    this.drawKnown(record);
  }

  drawUnasked({ unasked, merged_into, neighbours, may_edit }) {
    const merged = neighbours.find((one) => one.id === merged_into);
    part("merged-line").hidden = !merged_into;
    if (merged) {
      put(part("merged-link"), merged.case_no);
      part("merged-link").href = `/console/cases/${merged.id}`;
    }
    const shown = may_edit ? unasked : [];
    part("unasked-line").hidden = shown.length === 0;
    part("unasked-none").hidden = !may_edit || shown.length > 0;
    mark("record", shown.length ? String(shown.length) : "");
    const more = shown.length - MOST_UNASKED;
    const items = [...shown.slice(0, MOST_UNASKED), ...(more > 0 ? [""] : [])];
    fill(part("unasked"), items, (key) => {
      if (!key) return make("span", "muted small", `还有 ${more} 项`);
      return button(this.boxes.get(key).short, "jump", () => this.jump(key));
    });
    const asked = part("ask-words").textContent;
    if (asked && !shown.some((key) => this.boxes.get(key).question === asked)) part("ask").hidden = true;
  }

  drawProposals(proposals) {
    part("proposals-box").hidden = proposals.length === 0;
    const had = part("proposals").contains(document.activeElement);
    const changed = fill(part("proposals"), proposals, (one, place) => {
      const line = make("li");
      const take = button("采用", "take", () => this.accept(one.field, { value: one.value, missing: "", message_id: one.message_id }));
      const words = make("span");
      words.append(`${one.words}：`, make("b", "", one.shown));
      line.append(take, words);
      if (one.seq && one.seq !== proposals[place + 1]?.seq) line.append(button(`“${one.quote}”`, "link quote", () => this.page.toMessage(one.seq)));
      return line;
    });
    if (changed && had) part("proposals").querySelector(".take")?.focus(); // one key after the other
  }

  drawGaps(gaps) {
    part("close-gaps").hidden = gaps.length === 0;
    fill(part("close-gap-list"), gaps, (gap) => {
      const line = make("li");
      line.append(button(gap.words, "jump", () => this.jump(gap.field)));
      if (gap.lacks !== "没有填") line.append(make("span", "small", ` ${gap.lacks}`));
      return line;
    });
  }

  drawKnown({ known, neighbours, may_merge }) {
    put(part("known-channel"), known.channel);
    put(part("known-first"), known.first_at ? clockOf(known.first_at) : "");
    put(part("known-again"), neighbours.length ? "以前来过" : "首次");
    put(part("known-machine"), known.machine);
    put(part("known-reasons"), known.reasons.join("；"));
    put(part("neighbour-count"), neighbours.length ? `${neighbours.length} 个` : "");
    fill(part("neighbours"), neighbours, (one) => {
      const line = make("li");
      const head = make("p", "line");
      const level = make("span", "level small-level", one.level_label);
      level.dataset.level = one.level;
      const link = make("a", "", one.case_no);
      link.href = `/console/cases/${one.id}`;
      head.append(level, link, make("span", "muted small", days.format(new Date(one.at))), make("span", "small", one.disposition || one.state_label));
      line.append(head);
      if (one.promised) line.append(make("p", "small pre", `约定：${one.promised}`));
      return line;
    });
    part("merge-card").hidden = !may_merge || neighbours.every((one) => one.state === "merged");
    fill(part("merge-into"), [null, ...neighbours.filter((one) => one.state !== "merged")], (one) => {
      const option = make("option", "", one ? `${one.case_no}　${one.level_label}　${one.state_label}` : "请选择");
      option.value = one?.id ?? "";
      return option;
    });
  }
}
