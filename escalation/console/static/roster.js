// What to think about while a shift is written: asked anew with every change, never in the way of planning it.

import { getJson } from "./http.js";
import { make } from "./make.js";

const form = document.querySelector("form.plan");
const list = document.getElementById("advice");
let asked = 0;

async function advise() {
  const mine = ++asked;
  const found = await getJson(`/console/roster/advice.json?${new URLSearchParams(new FormData(form))}`).catch(() => null);
  if (mine !== asked) return; // a later change was asked meanwhile
  list.replaceChildren(...(found?.words ?? []).map((words) => make("li", "", words)));
}

form.addEventListener("input", advise);
advise();
