// The gate before a minor's case: ask, or open in danger; opens by itself once leave is given.

import { put } from "./alarm.js";
import { post } from "./http.js";
import { watch } from "./watch.js";

const page = document.getElementById("gate");
const id = page.dataset.case;

async function send(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const error = form.querySelector(".error");
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  put(error, "");
  try {
    await post(`/console/gate/${id}/${form.dataset.way}`, Object.fromEntries(new FormData(form)));
    location.assign(`/console/cases/${id}`); // while it is shut this leads back here
  } catch (problem) {
    put(error, problem.message);
  }
  delete form.dataset.busy;
}

function heard(row) {
  if (row.id === id && page.dataset.waits && row.what.startsWith("minor_access_")) location.assign(`/console/cases/${id}`);
}

for (const form of page.querySelectorAll("form")) form.addEventListener("submit", send);
watch({ row: heard });
