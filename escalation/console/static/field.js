// One field of the record: reads and shows its answer, says who wrote it, and asks when two people wrote at once.

import { put } from "./alarm.js";
import { now } from "./http.js";
import { make } from "./make.js";
import { clockOf } from "./messages.js";

const JUST_NOW_MS = 20_000;

export class FieldBox {
  constructor(node) {
    this.node = node;
    this.key = node.dataset.field;
    this.kind = node.dataset.kind;
    this.words = node.dataset.words ?? "";
    this.short = node.dataset.short ?? "";
    this.question = node.dataset.question ?? "";
    this.picks = [...node.querySelectorAll(".pick input")];
    this.answer = node.querySelector(".answer");
    this.missing = node.querySelector(".missing");
    this.reason = node.querySelector(".reason");
    this.state = node.querySelector(".field-state");
    this.clashBox = node.querySelector(".clash");
    this.error = node.querySelector(".error");
    this.entry = null; // as the server has it
  }

  get version() {
    return this.entry?.version ?? 0;
  }

  get isFilled() {
    return Boolean(this.entry && (this.entry.value || this.entry.missing));
  }

  // What stands in the inputs now.
  read() {
    if (this.missing?.value) return { value: this.reason.value, missing: this.missing.value };
    const picked = this.picks.filter((pick) => pick.checked).map((pick) => pick.value);
    return { value: this.picks.length ? picked.join(",") : this.answer.value.trim() && this.answer.value, missing: "" };
  }

  write({ value, missing }) {
    const isRedacted = missing === "redacted";
    const isNone = Boolean(missing) && !isRedacted;
    if (this.missing) {
      this.missing.value = isNone ? missing : "";
      if (this.reason.value !== (isNone ? value : "")) this.reason.value = isNone ? value : "";
    }
    const codes = missing ? [] : value.split(",");
    for (const pick of this.picks) pick.checked = codes.includes(pick.value);
    const text = missing ? "" : value;
    if (this.answer && this.answer.value !== text) this.answer.value = text;
    this.dress();
  }

  // The look of what stands in the inputs.
  dress() {
    const isNone = Boolean(this.missing?.value);
    this.node.classList.toggle("is-none", isNone);
    if (this.reason) this.reason.hidden = !isNone;
    const isText = this.answer?.tagName === "TEXTAREA";
    if (isText) this.answer.style.height = "auto";
    if (isText && this.answer.scrollHeight) this.answer.style.height = `${this.answer.scrollHeight + 2}px`;
  }

  shown({ value, missing }) {
    if (missing === "redacted") return "（内容已遮蔽）";
    const none = missing && [...this.missing.options].find((option) => option.value === missing)?.textContent;
    if (none) return value ? `${none}（${value}）` : none;
    if (!this.picks.length) return value;
    const words = value.split(",").map((code) => this.picks.find((pick) => pick.value === code)?.parentNode.textContent ?? code);
    return words.join("、");
  }

  // `isMine`: written by whoever sits here; `unsaved`: the server does not have it yet.
  drawState(me, unsaved) {
    const { entry } = this;
    this.node.classList.toggle("is-filled", this.isFilled);
    if (unsaved) return put(this.state, this.clashBox.hidden ? "保存中…" : "两个人都写了，请选一个");
    if (!entry) return put(this.state, "");
    const who = entry.by_id === me ? "我" : entry.by;
    if (entry.missing === "redacted") return put(this.state, `${entry.by} ${clockOf(entry.at)} 遮蔽了内容，理由：${entry.value}`);
    const isNew = entry.by_id !== me && now() - Date.parse(entry.at) < JUST_NOW_MS;
    this.state.classList.toggle("is-new", isNew);
    return put(this.state, isNew ? `${who}正在填` : `${who} ${clockOf(entry.at)} 已保存`);
  }

  // Two people wrote: both texts are shown, nothing is lost, the counsellor decides.
  askWhich(theirs, mine, choose) {
    const line = make("p");
    line.append(
      make("b", "", `${theirs.by || "同事"}刚改了这里：`), make("bdi", "pre", `“${this.shown(theirs) || "（清空）"}”`),
      "。您写的是：", make("bdi", "pre", `“${this.shown(mine) || "（清空）"}”`),
    );
    const ways = make("p", "line");
    const both = this.answer?.tagName === "TEXTAREA" && !theirs.missing && !mine.missing && theirs.value && mine.value;
    for (const [way, words] of [["theirs", "留下同事的"], ["mine", "用我的"], ...(both ? [["both", "两段都留"]] : [])]) {
      const button = make("button", "", words);
      button.type = "button";
      button.addEventListener("click", () => (this.endClash(), choose(way)));
      ways.append(button);
    }
    this.clashBox.replaceChildren(line, ways);
    this.clashBox.hidden = false;
  }

  endClash() {
    this.clashBox.hidden = true;
    this.clashBox.replaceChildren();
  }

  focus() {
    this.node.closest("details")?.setAttribute("open", "");
    this.node.scrollIntoView({ block: "center" });
    const checked = this.picks.find((pick) => pick.checked);
    (checked ?? this.picks[0] ?? this.answer).focus({ preventScroll: true });
    for (const other of document.querySelectorAll(".field.called")) other.classList.remove("called");
    requestAnimationFrame(() => this.node.classList.add("called"));
  }
}
