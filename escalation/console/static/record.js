// The record beside the running chat: every field saves itself, everybody who has the case open sees it at once.

import { put } from "./alarm.js";
import { Asking } from "./asking.js";
import { Autosave } from "./autosave.js";
import { FieldBox } from "./field.js";
import { now } from "./http.js";

const part = (id) => document.getElementById(id);
const PRESENT_MS = 30_000;

export class Record {
  // `me`: the counsellor's id; `page`: what the rest of the page does for us: insert(words), toMessage(seq), redact(what).
  constructor(caseId, me, page) {
    this.me = me;
    this.boxes = new Map([...document.querySelectorAll(".field")].map((node) => [node.dataset.field, new FieldBox(node)]));
    this.asking = new Asking(this.boxes, page, (key, change) => this.accept(key, change));
    this.save = new Autosave(`/console/cases/${caseId}/record`, `record:${caseId}`, {
      saved: (key, entry) => this.take(key, entry),
      clash: (key, theirs, mine) => this.clash(key, theirs, mine),
      refused: (key, words) => this.boxes.has(key) && put(this.boxes.get(key).error, words),
      state: () => this.drawStates(),
    });
    for (const box of this.boxes.values()) this.wire(box, page);
    for (const [key, change] of this.save.pending) {
      delete change.held; // of an earlier life of this page: asked again
      this.boxes.get(key)?.write(change);
    }
    const dress = () => requestAnimationFrame(() => this.boxes.forEach((box) => box.dress())); // a hidden text has no height
    document.addEventListener("toggle", dress, true);
    for (const tab of document.querySelectorAll('[role="tab"]')) tab.addEventListener("click", dress);
    setInterval(() => this.drawStates(), 5000);
  }

  get isDirty() {
    return this.save.isDirty;
  }

  settle() {
    return this.save.settle();
  }

  wire(box, page) {
    const { node } = box;
    node.addEventListener("input", (event) => {
      if (event.isComposing) return; // half a word of an input method is no word
      if (event.target === box.missing) this.chooseNone(box);
      else if (box.missing && event.target !== box.reason) box.missing.value = "";
      this.typed(box);
    });
    node.addEventListener("compositionstart", () => (box.isComposing = true));
    node.addEventListener("compositionend", () => ((box.isComposing = false), this.typed(box)));
    for (const pick of box.picks) {
      if (pick.type !== "radio") continue;
      pick.addEventListener("pointerdown", () => (pick.wasChecked = pick.checked));
      pick.addEventListener("click", (event) => {
        if (!pick.wasChecked || event.detail === 0) return; // a key press chooses, it never takes away
        pick.checked = false;
        this.typed(box);
      });
      pick.parentNode.addEventListener("pointerdown", () => (pick.wasChecked = pick.checked));
    }
    node.querySelector(".redact")?.addEventListener("click", () => page.redact({ field: box.key, words: box.words }));
  }

  chooseNone(box) {
    for (const pick of box.picks) pick.checked = false;
    if (box.answer && box.missing.value) box.answer.value = "";
    if (box.missing.value && box.reason.hidden) requestAnimationFrame(() => box.reason.focus());
  }

  typed(box) {
    box.dress();
    put(box.error, "");
    box.endClash();
    this.change(box, box.read());
  }

  change(box, change) {
    const known = this.save.pending.get(box.key);
    this.save.change(box.key, { ...change, based_on: known?.based_on ?? box.version });
  }

  // A proposal, or a decision: goes out at once.
  accept(key, change) {
    const box = this.boxes.get(key);
    box.write(change);
    this.change(box, change);
    this.save.flush();
  }

  take(key, entry) {
    const box = this.boxes.get(key);
    if (!box || entry.version < box.version || box.isComposing) return; // half a word is not overwritten
    box.entry = entry;
    put(box.error, "");
    if (!this.save.has(key)) box.write(entry);
    box.drawState(this.me, this.save.has(key));
  }

  clash(key, theirs, mine) {
    const box = this.boxes.get(key);
    box.entry = theirs;
    put(box.error, "");
    box.askWhich(theirs, mine, (way) => {
      if (way === "theirs") {
        this.save.drop(key);
        this.take(key, theirs);
        return;
      }
      const change = way === "both" ? { value: `${theirs.value}\n${mine.value}`, missing: "" } : { value: mine.value, missing: mine.missing };
      box.write(change);
      this.save.insist(key, change, theirs.version);
    });
    box.drawState(this.me, true);
  }

  drawStates() {
    for (const box of this.boxes.values()) box.drawState(this.me, this.save?.has(box.key));
    this.drawPresence();
  }

  drawPresence() {
    const others = new Set();
    for (const { entry } of this.boxes.values()) {
      if (entry && entry.by_id !== this.me && now() - Date.parse(entry.at) < PRESENT_MS) others.add(entry.by);
    }
    part("presence").hidden = others.size === 0;
    put(part("presence"), others.size ? `${[...others].join("、")}也在填这张记录单` : "");
  }

  // What the server has: shown wherever nobody here is typing something newer.
  draw({ record, safety_plan, is_owner }) {
    for (const [key, entry] of Object.entries({ ...record.values, ...safety_plan.values })) {
      if (entry.version > (this.boxes.get(key)?.version ?? 0)) this.take(key, entry);
    }
    for (const box of this.boxes.values()) this.drawBox(box, record);
    for (const line of document.querySelectorAll(".reads-only")) line.hidden = record.may_edit || Boolean(record.merged_into);
    for (const group of document.querySelectorAll("#record details")) {
      const inside = [...group.querySelectorAll(".field")].map((node) => this.boxes.get(node.dataset.field));
      put(group.querySelector(".group-count"), `${inside.filter((box) => box.isFilled).length}／${inside.length}`);
    }
    this.asking.draw(record, is_owner);
    this.drawStates();
  }

  drawBox(box, { may_edit, may_redact, gaps }) {
    for (const input of [...box.picks, box.answer, box.missing, box.reason]) if (input) input.disabled = !may_edit;
    const must = box.node.querySelector(".must");
    if (must) must.hidden = !gaps.some((gap) => gap.field === box.key);
    const redact = box.node.querySelector(".redact");
    if (redact) redact.hidden = !(may_redact && box.isFilled && box.entry.missing !== "redacted");
  }
}
