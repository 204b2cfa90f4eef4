// Plain pages with forms: post, then show the page anew; a refusal stands beside the form and nothing typed is lost.

import { Alarm, put } from "./alarm.js";
import { forgetForm, keepForm } from "./drafts.js";
import { getJson, onActivity, post } from "./http.js";
import { showLost } from "./lost.js";
import { openStream } from "./stream.js";

const alarm = new Alarm();
const cases = new Map(); // rows of the whole queue, for the alarm

async function send(event) {
  const form = event.target;
  if (!form.matches("form[data-post]")) return;
  event.preventDefault();
  if (form.dataset.busy || (form.dataset.confirm && !confirm(form.dataset.confirm))) return;
  form.dataset.busy = "yes";
  put(form.querySelector(".error"), "");
  try {
    await post(form.dataset.post, Object.fromEntries(new FormData(form)));
    await forgetForm(form);
    location.reload();
  } catch (problem) {
    put(form.querySelector(".error"), problem.message);
    delete form.dataset.busy;
  }
}

async function resync() {
  const queue = await getJson("/console/queue.json").catch(() => null);
  if (!queue) return;
  showLost(queue.undelivered);
  cases.clear();
  for (const row of queue.rows) cases.set(row.id, row);
  alarm.update(cases.values());
}

function take(row) {
  if (row.state === "closed") cases.delete(row.id);
  else cases.set(row.id, row);
  if (row.what !== "message") alarm.update(cases.values());
}

document.addEventListener("submit", send);
for (const form of document.querySelectorAll("form[data-post]")) keepForm(form, `form:${form.dataset.post}`);
onActivity(resync);
openStream("", { row: take, resync, state: (state) => alarm.connection(state) });
