// One institution: saving with errors beside the fields, and "checked today".

import { put } from "./alarm.js";
import { post } from "./http.js";
import { watch } from "./watch.js";

const entry = document.getElementById("entry");
const check = document.getElementById("check");
let dirty = false;

function fieldOf(code) {
  return entry.querySelector(`[data-field="${CSS.escape(code)}"]`);
}

function showErrors(fields) {
  for (const node of entry.querySelectorAll("[data-field]")) {
    const words = fields[node.dataset.field] ?? "";
    put(node.querySelector(".error"), words);
    node.querySelector("input, select, textarea")?.setAttribute("aria-invalid", String(Boolean(words)));
    node.classList.toggle("bad", Boolean(words));
  }
  const first = Object.keys(fields)[0];
  if (first) fieldOf(first)?.querySelector("input, select, textarea")?.focus();
}

entry?.addEventListener("input", () => (dirty = true));
entry?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (entry.dataset.busy) return;
  entry.dataset.busy = "yes";
  put(document.getElementById("entry-error"), "");
  showErrors({});
  try {
    const { id } = await post(`/console/institutions/${entry.dataset.id ? `${entry.dataset.id}/change` : "new/add"}`, new FormData(entry));
    dirty = false;
    location.assign(`/console/institutions/${id}`);
  } catch (problem) {
    put(document.getElementById("entry-error"), problem.message);
    showErrors(problem.fields ?? {});
    delete entry.dataset.busy;
  }
});
check?.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await post(`/console/institutions/${check.dataset.id}/verify`);
    location.reload();
  } catch (problem) {
    put(check.querySelector(".error"), problem.message);
  }
});
addEventListener("beforeunload", (event) => dirty && event.preventDefault());
watch();
