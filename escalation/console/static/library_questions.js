// Questions that had no answer: each heap becomes an article, a wording, or is put aside.

import { put } from "./alarm.js";
import { onActivity, getJson, post } from "./http.js";
import { watch } from "./watch.js";

async function settle(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const heap = form.closest(".heap");
  const deed = event.submitter?.value ?? "write";
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  put(form.querySelector(".error"), "");
  try {
    const fields = new FormData(form);
    fields.set("ids", heap.dataset.ids);
    const { id } = await post(`/console/library/questions/${deed}`, fields);
    if (id) location.assign(`/console/library/drafts/${id}`);
    else heap.remove();
  } catch (problem) {
    put(form.querySelector(".error"), problem.message);
    delete form.dataset.busy;
  }
}

for (const form of document.querySelectorAll(".heap .answer")) form.addEventListener("submit", settle);
watch();
onActivity(() => getJson("/console/library/search.json").catch(() => null));
