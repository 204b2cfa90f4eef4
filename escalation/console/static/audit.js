// Walk the whole chain of the audit when asked: it may hold years.

import { getJson } from "./http.js";

const button = document.getElementById("check-chain");
const says = document.getElementById("chain");

button.addEventListener("click", async () => {
  button.disabled = true;
  says.textContent = "正在核对…";
  try {
    says.textContent = (await getJson("/console/audit/chain.json")).words;
  } catch (problem) {
    says.textContent = `没有核对成：${problem.message}`;
  }
  button.disabled = false;
});
