// One form of safeguarding, drawn from what the server says it asks. What is typed stays until it was accepted; what is
// missing is said beside its field; what would be given away is shown as the other side will read it.

import { put } from "./alarm.js";
import { forget, keep, kept } from "./drafts.js";
import { now, post } from "./http.js";
import { make } from "./make.js";
import { clockOf } from "./messages.js";

const MOST_MESSAGES = 40;

// `told`: {staff, messages}; `fixed`: fields that go along unseen; `done` after it was accepted.
export function safeguardingForm(spec, url, { told = {}, fixed = {}, done, isMain = false }) {
  const form = make("form", "safeguarding-form");
  form.noValidate = true; // the server says what is missing, beside each field and in our words
  const key = `safeguarding:${url}:${JSON.stringify(fixed)}`;
  for (const field of spec.fields) form.append(fieldOf(field, told));
  const error = make("output", "error");
  error.setAttribute("role", "alert");
  const line = make("div", "line");
  line.append(make("button", isMain ? "main" : "", spec.words), error);
  form.append(line);
  restore(form, key);
  settle(form, spec);
  form.addEventListener("input", (event) => {
    put(event.target.closest(".field").querySelector(".error"), "");
    settle(form, spec);
    keepAll(form, key);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = "yes";
    say(form, error, "", {});
    try {
      await post(url, { ...Object.fromEntries(new FormData(form)), ...fixed });
      forget(key);
      form.reset();
      settle(form, spec);
      done();
    } catch (problem) {
      say(form, error, problem.message, problem.fields ?? {});
    }
    delete form.dataset.busy;
  });
  return form;
}

function say(form, error, words, fields) {
  const places = [...form.querySelectorAll(".field")];
  for (const place of places) put(place.querySelector(".error"), fields[place.dataset.name] ?? "");
  const isBeside = places.some((place) => fields[place.dataset.name]);
  put(error, isBeside ? "还没有填完，请看红字" : words);
  if (isBeside) places.find((place) => fields[place.dataset.name]).scrollIntoView({ block: "nearest" });
}

// ---- the fields
function fieldOf(field, told) {
  const place = make("div", "field");
  place.dataset.name = field.name;
  if (field.when) place.dataset.when = JSON.stringify(field.when);
  place.append(...DRAW[field.kind](field, told));
  place.append(make("output", "error"));
  return place;
}

function labelled(field, input) {
  const label = make("label", "", field.optional ? `${field.words}（可以不填）` : field.words);
  Object.assign(input, { name: field.name, placeholder: field.hint });
  label.append(input);
  return [label];
}

function group(field, kind, options) {
  const box = make("fieldset", "choices");
  if (field.words) box.append(make("legend", "", field.words));
  for (const { name, code, words, more, isOn } of options) {
    const label = make("label");
    const input = make("input");
    Object.assign(input, { type: kind, name: name ?? field.name, value: kind === "radio" ? code : "yes", defaultChecked: Boolean(isOn) });
    const text = make("span", "", words);
    if (more) text.append(make("span", "muted small more", more));
    label.append(input, text);
    box.append(label);
  }
  return [box];
}

function sharing(field) {
  const box = make("fieldset", "choices sharing");
  box.append(make("legend", "", field.words));
  for (const { code, words, is_minimum } of field.options) {
    const label = make("label");
    const tick = make("input");
    Object.assign(tick, { type: "checkbox", defaultChecked: is_minimum });
    tick.dataset.share = code;
    label.append(tick, is_minimum ? words : `${words}（要写为什么）`);
    const text = make("textarea");
    Object.assign(text, { name: `${field.name}:${code}`, rows: 1, maxLength: 4000 });
    text.setAttribute("aria-label", words);
    text.dataset.words = words;
    box.append(label, text);
  }
  const preview = make("dl", "letter-preview");
  return [box, make("p", "small muted", "对方会看到的就是这些："), preview];
}

const text = (rows) => (field) => {
  const input = make(rows ? "textarea" : "input");
  if (rows) input.rows = rows;
  input.maxLength = 4000;
  return labelled(field, input);
};

const DRAW = {
  words: text(3),
  line: text(0),
  time: (field) => {
    const input = make("input");
    input.type = "datetime-local";
    input.defaultValue = localNow();
    return labelled(field, input);
  },
  choice: (field) => group(field, "radio", field.options),
  basis: (field) => group(field, "radio", field.options),
  many: (field) => group(field, "checkbox", field.options.map((one) => ({ ...one, name: `${field.name}:${one.code}` }))),
  flag: (field) => group({ ...field, words: "" }, "checkbox", [{ words: field.words }]),
  staff: (field, { staff = [] }) => group(field, "checkbox", staff.map((one) => ({ name: `${field.name}:${one.id}`, words: one.name }))),
  messages: (field, { messages = [] }) => {
    const said = messages.filter((one) => one.author === "visitor" && one.text).slice(-MOST_MESSAGES);
    const [box] = group({ ...field, words: `${field.words}（可以不选）` }, "checkbox", said.map((one) => ({ name: `${field.name}:${one.id}`, words: `${clockOf(one.at)}　${one.text}` })));
    box.classList.add("said");
    return [box];
  },
  share: sharing,
};

// In Shanghai, whatever this computer believes: that is how the server reads it.
function localNow() {
  const parts = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "short" }).format(new Date(now()));
  return parts.replace(" ", "T");
}

// ---- what depends on what is typed
function settle(form, spec) {
  for (const place of form.querySelectorAll(".field[data-when]")) {
    const [other, value] = JSON.parse(place.dataset.when);
    place.hidden = form.elements[other]?.value !== value;
  }
  for (const tick of form.querySelectorAll("[data-share]")) {
    const area = form.elements[`share:${tick.dataset.share}`];
    area.hidden = area.disabled = !tick.checked;
  }
  const preview = form.querySelector(".letter-preview");
  if (!preview) return;
  const given = [...form.querySelectorAll("[data-words]")].filter((area) => !area.disabled && area.value.trim());
  preview.replaceChildren(...given.flatMap((area) => [make("dt", "", area.dataset.words), make("dd", "", area.value)]));
  const more = form.querySelector('.field[data-name="more"]');
  const optional = spec.fields.find((field) => field.kind === "share").options.filter((one) => !one.is_minimum).map((one) => one.code);
  if (more) more.hidden = !optional.some((code) => !form.elements[`share:${code}`].disabled);
}

// ---- nothing typed is lost
function keepAll(form, key) {
  const values = [...form.elements].filter((one) => one.name || one.dataset.share).map((one) => (one.type === "checkbox" || one.type === "radio" ? one.checked : one.value));
  const names = [...form.elements].filter((one) => one.name || one.dataset.share).map((one) => one.name || one.dataset.share);
  keep(key, JSON.stringify({ names, values }));
}

function restore(form, key) {
  const saved = JSON.parse(kept(key) ?? "null");
  const inputs = [...form.elements].filter((one) => one.name || one.dataset.share);
  if (!saved || JSON.stringify(saved.names) !== JSON.stringify(inputs.map((one) => one.name || one.dataset.share))) return;
  for (const [place, input] of inputs.entries()) {
    if (typeof saved.values[place] === "boolean") input.checked = saved.values[place];
    else input.value = saved.values[place];
  }
}
