// Writing an article: what is to be mended, the bubble and the differences follow the typing; nothing typed is lost.

import { put } from "./alarm.js";
import { forget, keep, kept } from "./drafts.js";
import { getJson, onActivity, post } from "./http.js";
import { watch } from "./watch.js";

const WAIT_MS = 500;
const POLL_MS = 2000;
const form = document.getElementById("writing");
const url = `/console/library/drafts/${form.dataset.id}`;
const place = `library.${form.dataset.id}`; // of the draft until it is saved
const state = document.getElementById("state").dataset.state;
const changes = document.getElementById("changes");
let timer = 0;
let isDirty = false;

function element(name, words) {
  const made = document.createElement(name);
  made.textContent = words;
  return made;
}

function draw({ errors, bubbles, changes: found, base }) {
  form.elements.base.value = base;
  for (const node of form.querySelectorAll("[data-field]")) {
    const words = form.dataset.editable ? (errors[node.dataset.field] ?? "") : "";
    put(node.querySelector(".error"), words);
    node.classList.toggle("bad", Boolean(words));
    node.querySelector("input, select, textarea")?.setAttribute("aria-invalid", String(Boolean(words)));
  }
  for (const node of document.querySelectorAll(".phone [data-part]")) put(node, bubbles[node.dataset.part]);
  const count = Object.keys(errors).length;
  put(document.getElementById("to-mend"), count ? `还有 ${count} 栏要改，写在各栏下面。改好才能提交。` : "没有要改的，可以提交审核。");
  changes.replaceChildren(
    ...found.map(({ field, lines }) => {
      const part = document.createElement("div");
      part.className = "change";
      part.append(element("h3", field), ...lines.map(([sign, words]) => element(sign === "+" ? "ins" : "del", words)));
      return part;
    }),
  );
  if (!found.length) changes.append(element("p", "没有不同。"));
}

function fieldsTyped() {
  return [...new FormData(form)].filter(([name]) => name !== "version" && name !== "base");
}

async function check() {
  try {
    draw(await post(`${url}/check`, new FormData(form)));
  } catch (problem) {
    put(document.getElementById("writing-error"), problem.message);
  }
}

async function save() {
  const { version } = await post(`${url}/save`, new FormData(form));
  form.elements.version.value = version;
  isDirty = false;
  forget(place);
  put(document.getElementById("saved"), `已保存 ${new Date().toLocaleTimeString("zh-CN", { timeZone: "Asia/Shanghai" })}`);
}

async function submitted(event) {
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  put(document.getElementById("writing-error"), "");
  try {
    await save();
    if (event.submitter?.value === "submit") {
      await post(`${url}/submit`);
      location.reload();
    }
  } catch (problem) {
    put(document.getElementById("writing-error"), problem.message);
    await check();
    form.querySelector(".bad :is(input, select, textarea)")?.focus();
  }
  delete form.dataset.busy;
}

function restore() {
  const typed = JSON.parse(kept(place) ?? "null");
  if (!typed) return;
  for (const box of form.querySelectorAll("input[type=checkbox]")) box.checked = false;
  for (const [name, value] of typed) {
    if (name === "risk") form.querySelector(`input[value="${CSS.escape(value)}"]`).checked = true;
    else if (form.elements[name]) form.elements[name].value = value;
  }
  isDirty = true;
  put(document.getElementById("saved"), "上次没有保存的内容还在，请核对后保存");
  check();
}

function typed() {
  isDirty = true;
  keep(place, JSON.stringify(fieldsTyped()));
  put(document.getElementById("saved"), "还没有保存");
  clearTimeout(timer);
  timer = setTimeout(check, WAIT_MS);
}

async function waitForTrial() {
  const now = await getJson(`${url}/state.json`).catch(() => ({ state }));
  if (now.state !== state) location.reload();
  else setTimeout(waitForTrial, POLL_MS);
}

draw(JSON.parse(changes.dataset.look));
delete changes.dataset.look;
if (form.dataset.editable) {
  form.addEventListener("input", typed);
  form.addEventListener("submit", submitted);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector("button[value=save]"));
  });
  addEventListener("beforeunload", (event) => isDirty && event.preventDefault());
  restore();
}
if (state === "approved") waitForTrial();
watch();
onActivity(() => getJson(`${url}/state.json`).catch(() => null));
