// Statistics: a day takes the place of the period; a report is frozen once, and the page shows what was kept.

import { put } from "./alarm.js";
import { post } from "./http.js";
import { watch } from "./watch.js";

const COUNTING_MS = 120_000; // a large year takes a while
const choose = document.getElementById("choose");
const freeze = document.getElementById("freeze");

choose?.elements.period.addEventListener("change", () => {
  if (choose.elements.day) choose.elements.day.value = "";
});

for (const button of freeze?.querySelectorAll("button") ?? []) button.disabled = false; // from here on a click is heard

freeze?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = freeze.querySelector("button");
  if (button.disabled) return;
  button.disabled = true;
  put(freeze.querySelector(".error"), "");
  const period = freeze.dataset.period;
  try {
    const { version } = await post(`/console/reports/freeze?period=${period}`, new FormData(freeze), COUNTING_MS);
    location.assign(`/console/reports/monthly?period=${period}&version=${version}`);
  } catch (problem) {
    put(freeze.querySelector(".error"), problem.message);
    button.disabled = false;
  }
});

watch();
