// Matters of safeguarding as cards, keyed and changed in place: what was written, what was done, which clock runs, and
// the forms for what may be done now. A form that is still offered keeps what was typed in it.

import { put } from "./alarm.js";
import { now } from "./http.js";
import { make, redraw } from "./make.js";
import { clockOf } from "./messages.js";
import { safeguardingForm } from "./safeguarding_form.js";
import { span } from "./span.js";

const day = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false });

export function clockWords({ words, due_at }) {
  const isLate = Date.parse(due_at) <= now();
  return isLate ? `${words}：已超时 ${span(due_at)}` : `${words}：${day.format(new Date(due_at))} 前`;
}

export const isLate = ({ due_at }) => Date.parse(due_at) <= now();

export class Matters {
  // `urlOf(matter, action)`: where a step is posted to
  constructor(list, urlOf, done) {
    this.list = list;
    this.urlOf = urlOf;
    this.done = done;
    this.cards = new Map();
  }

  draw(matters, forms, told) {
    const there = new Set(matters.map((matter) => matter.id));
    for (const [id, card] of this.cards) if (!there.has(id)) card.remove(), this.cards.delete(id);
    for (const [place, matter] of matters.entries()) {
      const card = this.cards.get(matter.id) ?? this.cardOf(matter);
      this.cards.set(matter.id, card);
      this.fill(card, matter, forms, told);
      if (this.list.children[place] !== card) this.list.insertBefore(card, this.list.children[place] ?? null);
    }
    this.tick();
  }

  cardOf(matter) {
    const card = make("li", "card matter");
    card.id = `m-${matter.id}`;
    const head = make("p", "line");
    head.append(make("b", "", matter.kind_words), make("span", "state"), make("span", "muted small", `${clockOf(matter.at)} ${matter.by}`));
    if (matter.is_drill) head.append(make("span", "badge drill", "演练"));
    if (matter.case_no) {
      const link = make("a", "", matter.case_no);
      link.href = `/console/cases/${matter.case_id}#tab-safeguarding`;
      head.append(link);
    }
    card.append(head, make("ul", "clocks"), make("p", "about small"), make("dl", "written"), make("p", "hidden-words muted"), make("ol", "entries done"), make("div", "steps"));
    return card;
  }

  fill(card, matter, forms, told) {
    const find = (name) => card.querySelector(name);
    card.matter = matter;
    put(find(".state"), matter.state_words);
    put(find(".about"), matter.about.length ? `涉及、要回避的老师：${matter.about.join("、")}` : "");
    redraw(find(".written"), matter.lines, ([words, said]) => {
      const line = make("div");
      line.append(make("dt", "", words), make("dd", "", said));
      return line;
    });
    find(".hidden-words").hidden = !matter.is_hidden;
    put(find(".hidden-words"), matter.is_hidden ? "由投诉没有涉及的督导处理，这里看不到内容。" : "");
    redraw(find(".done"), matter.steps, (step) => {
      const line = make("li");
      line.append(make("p", "small muted", `${clockOf(step.at)} ${step.by}　${step.what}`));
      for (const [words, said] of step.lines) line.append(make("p", "pre", `${words}：${said}`));
      return line;
    });
    this.offer(find(".steps"), matter, forms, told);
  }

  offer(place, matter, forms, told) {
    for (const node of [...place.children]) if (!matter.may.includes(node.dataset.action)) node.remove();
    for (const action of matter.may) {
      if ([...place.children].some((node) => node.dataset.action === action)) continue;
      const spec = forms[`${matter.kind}.${action}`];
      const box = make("details");
      box.dataset.action = action;
      const fixed = { matter: matter.id, action };
      const done = () => ((box.open = false), this.done());
      box.append(make("summary", "", spec.title || spec.words), safeguardingForm(spec, this.urlOf(matter, action), { told, fixed, done }));
      place.append(box);
    }
  }

  tick() {
    for (const card of this.cards.values()) {
      const { clocks } = card.matter;
      const list = card.querySelector(".clocks");
      list.replaceChildren(...clocks.map((clock) => make("li", isLate(clock) ? "late" : "", clockWords(clock))));
      card.dataset.late = clocks.some(isLate) ? "yes" : "no";
    }
  }
}
