// Buttons of the library that do one thing each: post, then go where it leads. `data-sure` asks once more.

import { put } from "./alarm.js";
import { post } from "./http.js";
import { watch } from "./watch.js";

const UPLOAD_MS = 60_000;

async function send(form, url, fields, leadsTo) {
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  put(form.querySelector(".error"), "");
  try {
    leadsTo(await post(url, fields, UPLOAD_MS));
  } catch (problem) {
    put(form.querySelector(".error"), problem.message);
    delete form.dataset.busy;
  }
}

for (const form of document.querySelectorAll("form[data-post]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.dataset.sure && !confirm(form.dataset.sure)) return;
    send(form, form.dataset.post, new FormData(form), ({ id }) => {
      if (form.dataset.then === "draft") location.assign(`/console/library/drafts/${id}`);
      else if (form.dataset.then) location.assign(form.dataset.then);
      else location.reload();
    });
  });
}
const decide = document.getElementById("decide");
decide?.addEventListener("submit", (event) => {
  event.preventDefault();
  send(decide, `/console/library/drafts/${decide.dataset.id}/${event.submitter.value}`, new FormData(decide), () => location.reload());
});
const take = document.getElementById("take");
take?.addEventListener("submit", (event) => {
  event.preventDefault();
  send(take, "/console/library/import/file", new FormData(take), ({ id }) => location.assign(`/console/library/drafts/${id}`));
});
if (!document.getElementById("writing")) watch();
