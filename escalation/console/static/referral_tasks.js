// Things to do about a referral: each keeps what is typed in it until it is done.

import { put } from "./alarm.js";
import { post } from "./http.js";

// One form posts, shows what was refused, and calls `after` when it is done.
export function sendOn(form, url, after) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = "yes";
    const error = form.querySelector(".error");
    const fields = new FormData(form);
    if (event.submitter?.name) fields.set(event.submitter.name, event.submitter.value);
    put(error, "");
    try {
      const done = await post(typeof url === "function" ? url() : url, Object.fromEntries(fields));
      form.reset();
      after(done);
    } catch (problem) {
      put(error, problem.message);
    }
    delete form.dataset.busy;
  });
}

// Keyed by task; what is no longer to do goes, what stays keeps its text.
export function drawTasks(list, tasks, blank, me, after) {
  const there = new Set(tasks.map((task) => task.id));
  for (const node of [...list.children]) if (!there.has(node.dataset.id)) node.remove();
  for (const task of tasks) {
    if ([...list.children].some((node) => node.dataset.id === task.id)) continue;
    const node = blank.cloneNode(true);
    node.dataset.id = task.id;
    node.dataset.kind = task.kind;
    put(node.querySelector(".words"), task.words);
    put(node.querySelector(".whose"), task.for_id === me ? "（我的）" : `（${task.for}）`);
    const form = node.querySelector("form");
    for (const part of form.querySelectorAll("input, button")) part.hidden = task.kind === "second_person"; // decided, not noted
    sendOn(form, `/console/referrals/tasks/${task.id}`, after);
    list.append(node);
  }
}
