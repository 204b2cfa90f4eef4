// Making a referral beside the running conversation: nothing typed is lost, nothing is shared that was not ticked,
// and the letter is drawn from what the server would send.

import { put } from "./alarm.js";
import { forget, keep, kept } from "./drafts.js";
import { getJson, post } from "./http.js";
import { make } from "./make.js";

const SOON_MS = 250;
const PREVIEW_MS = 600;
const HIGH = 3;
const [ROW_LENGTH, MOST_ROWS] = [20, 8];
const part = (id) => document.getElementById(id);
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export class ReferForm {
  constructor(url, done) {
    this.url = url;
    this.done = done;
    this.form = part("refer-form");
    this.error = this.form.querySelector(":scope > .line .error");
    this.minimum = JSON.parse(part("refer").dataset.minimum);
    this.key = `refer:${url}`;
    this.known = {};
    this.level = 0;
    this.id = newId(); // of this referral: sent again after a network failure, it is kept once
    this.timers = {};
    this.asked = 0;
    this.chosen = "";
    this.restore();
    this.form.addEventListener("input", (event) => this.changed(event.target));
    this.form.addEventListener("submit", (event) => this.send(event));
    part("refer").addEventListener("toggle", () => part("refer").open && this.find());
  }

  get boxes() {
    return [...this.form.querySelectorAll("[data-share]")];
  }

  draw(known, level, may) {
    this.known = known;
    part("refer").hidden = !may;
    const back = this.form.elements.call_back;
    if (!back.value) back.value = known.call_back ?? "";
    const isNew = this.level !== level;
    this.level = level;
    this.showBasis();
    if (isNew && part("refer").open) this.find(); // orange and red are offered fewer
  }

  changed(target) {
    if (target.name === "kind") this.tickMinimum();
    if (target.dataset.share) this.showShare(target, true);
    if (target.name === "institution_id") this.chosen = target.value;
    this.showBasis();
    if (target.name === "kind" || target.name === "urgency" || target.name.startsWith("find:")) this.soon("find", SOON_MS, () => this.find());
    this.soon("preview", PREVIEW_MS, () => this.preview());
    this.keep();
  }

  soon(what, wait_ms, work) {
    clearTimeout(this.timers[what]);
    this.timers[what] = setTimeout(work, wait_ms);
  }

  // The least this kind of partner needs; what was typed in an unticked field stays there, unshared.
  tickMinimum() {
    const least = this.minimum[this.form.elements.kind.value] ?? [];
    for (const box of this.boxes) {
      box.checked = least.includes(box.dataset.share);
      this.showShare(box, false);
    }
  }

  showShare(box, focus) {
    const area = this.form.elements[`share:${box.dataset.share}`];
    area.hidden = area.disabled = !box.checked;
    if (box.checked && !area.value) area.value = this.known[box.dataset.share] ?? "";
    if (box.checked) area.rows = Math.min(MOST_ROWS, Math.ceil(area.value.length / ROW_LENGTH) || 1); // all of it is read before it is shared
    if (box.checked && focus) area.focus();
  }

  showBasis() {
    const basis = this.form.querySelector("[name=basis]:checked");
    const without = basis?.dataset.exception === "yes";
    put(part("basis-ask"), basis?.dataset.ask ?? "说明");
    part("told").hidden = !without;
    part("needs-second").hidden = !(without && this.level >= HIGH);
  }

  async find() {
    const number = ++this.asked;
    const { elements } = this.form;
    const asked = { kind: elements.kind.value, urgency: elements.urgency.value };
    for (const name of ["region", "age", "words"]) asked[name] = elements[`find:${name}`].value;
    if (elements["find:is_24h"].checked) asked.is_24h = "yes";
    try {
      const { found, left_out } = await getJson(`${this.url}/offers.json?${new URLSearchParams(asked)}`);
      if (number !== this.asked) return;
      if (!found.some((place) => place.id === this.chosen)) this.chosen = "";
      part("offers").replaceChildren(...(found.length ? found.map((place) => this.offer(place)) : [make("p", "muted", "没有合适的机构，换个条件试试")]));
      part("left-out").hidden = left_out === 0;
      put(part("left-out"), left_out ? `另有 ${left_out} 家太久没有核实，橙色、红色个案不提供。要用就先打电话，再到“机构”页点“今天核实过”。` : "");
    } catch (problem) {
      put(this.error, problem.message);
    }
  }

  offer(place) {
    const line = make("div", "offer");
    const label = make("label");
    const choice = make("input");
    Object.assign(choice, { type: "radio", name: "institution_id", value: place.id, required: true, checked: place.id === this.chosen });
    const more = [place.region, place.level, place.ages, place.is_24h ? "24小时" : "", place.green_channel ? "绿色通道" : "", place.is_drill ? "演示" : ""];
    label.append(choice, make("b", "", place.name), make("span", "more", [...more, ...place.phones].filter(Boolean).join("　")));
    if (!place.is_fresh) label.append(make("span", "more old", "太久没有核实，先打电话问一下"));
    line.append(label);
    return line;
  }

  async preview() {
    if (!part("refer").open || !this.form.elements.kind.value) return;
    try {
      const { lines } = await post(`${this.url}/referrals/preview`, new FormData(this.form));
      const rows = lines.flatMap(([words, text]) => [make("dt", "", words), make("dd", "", text)]);
      part("letter-preview").replaceChildren(...rows);
      put(part("preview-problem"), "对方看到的就是这些。");
    } catch (problem) {
      part("letter-preview").replaceChildren();
      put(part("preview-problem"), problem.message);
    }
  }

  async send(event) {
    event.preventDefault();
    if (this.form.dataset.busy) return;
    this.form.dataset.busy = "yes";
    put(this.error, "");
    const fields = new FormData(this.form);
    fields.set("id", this.id);
    try {
      await post(`${this.url}/referrals`, fields);
      this.clear();
      this.done();
    } catch (problem) {
      put(this.error, problem.message);
    }
    delete this.form.dataset.busy;
  }

  clear() {
    forget(this.key);
    clearTimeout(this.timers.preview);
    this.id = newId();
    this.chosen = "";
    this.form.reset();
    for (const box of this.boxes) this.showShare(box, false);
    this.form.elements.call_back.value = this.known.call_back ?? "";
    part("letter-preview").replaceChildren();
    part("refer").open = false;
  }

  keep() {
    const values = {};
    for (const field of this.form.elements) if (field.name && field.type !== "radio" && field.type !== "checkbox") values[field.name] = field.value;
    for (const name of ["urgency", "basis"]) values[name] = this.form.elements[name].value;
    const ticked = this.boxes.filter((box) => box.checked).map((box) => box.dataset.share);
    keep(this.key, JSON.stringify({ values, ticked, id: this.id, chosen: this.chosen }));
  }

  restore() {
    const saved = JSON.parse(kept(this.key) ?? "null");
    if (!saved) return;
    this.id = saved.id;
    this.chosen = saved.chosen;
    for (const [name, value] of Object.entries(saved.values)) if (this.form.elements[name]) this.form.elements[name].value = value;
    for (const box of this.boxes) {
      box.checked = saved.ticked.includes(box.dataset.share);
      this.showShare(box, false);
    }
  }
}
