// Forms of 督导 and 我的成长: a refusal stands beside its field; what was typed stays in this tab until it is stored.

import { put } from "./alarm.js";
import { forget, keep, kept } from "./drafts.js";
import { getJson, onActivity, post } from "./http.js";
import { make } from "./make.js";
import { watch } from "./watch.js";

const keyOf = (form) => `growth.${form.dataset.keep}`;
const said = (form) => [...new FormData(form)].filter(([name]) => name !== "digest");

function mark(form, errors) {
  for (const node of form.querySelectorAll("[data-field]")) {
    const words = errors[node.dataset.field] ?? "";
    put(node.querySelector(".error"), words);
    node.classList.toggle("bad", Boolean(words));
    node.querySelector("input, select, textarea")?.setAttribute("aria-invalid", String(Boolean(words)));
  }
  form.querySelector(".bad :is(input, select, textarea)")?.focus();
}

// A remark stands below its message at once; the form beside it keeps what is being written.
function showRemark(form) {
  const words = make("p", "remark pre");
  words.append(make("span", "muted small", `${document.body.dataset.name}批注`), ` ${form.elements.text.value.trim()}`);
  form.closest("li").querySelector(".remarks").append(words);
  form.reset();
  form.closest("details").open = false;
}

async function send(event) {
  event.preventDefault();
  const form = event.currentTarget;
  if (form.dataset.busy || (form.dataset.sure && !confirm(form.dataset.sure))) return;
  form.dataset.busy = "yes";
  const error = [...form.querySelectorAll("output.error")].at(-1);
  put(error, "");
  try {
    await post(form.dataset.post, new FormData(form));
    await forget(keyOf(form));
    if (form.dataset.then === "said") showRemark(form);
    else location.reload();
  } catch (problem) {
    mark(form, problem.fields ?? {});
    put(error, problem.message);
  }
  delete form.dataset.busy;
}

function restore(form) {
  const typed = JSON.parse(kept(keyOf(form)) ?? "null");
  if (!typed) return;
  for (const box of form.querySelectorAll("input[type=checkbox]")) box.checked = false;
  for (const [name, value] of typed) {
    const field = form.querySelector(`[name="${CSS.escape(name)}"]`);
    if (field?.type === "checkbox" || field?.type === "radio") {
      const option = form.querySelector(`[name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]`);
      if (option) option.checked = true;
    } else if (field) field.value = value;
  }
}

for (const form of document.querySelectorAll("form[data-post]")) {
  form.noValidate = !form.querySelector("[required]");
  form.addEventListener("submit", send);
  if (!form.dataset.keep) continue;
  restore(form);
  form.addEventListener("input", () => keep(keyOf(form), JSON.stringify(said(form))));
}
document.body.dataset.ready = "yes";
if (!document.getElementById("import")) watch(); // that page's own script watches
onActivity(() => getJson("/console/queue.json").catch(() => null));
