// The directory: every letter searches; lines are drawn anew, because nothing can be typed in them.

import { put } from "./alarm.js";
import { getJson, onActivity, post } from "./http.js";
import { clockOf } from "./messages.js";
import { watch } from "./watch.js";

const WAIT_MS = 120;
const MOST = 60; // the server gives no more
const part = (id) => document.getElementById(id);
const [form, list] = [part("search"), part("places")];
const blank = part("blank-place").content.firstElementChild;
const mayCheck = Boolean(list.dataset.mayCheck);
const error = form.querySelector(".error");
let timer = 0;
let asked = 0;

function lineOf(place) {
  const node = blank.cloneNode(true);
  const find = (name) => node.querySelector(name);
  node.dataset.id = place.id;
  node.dataset.fresh = place.is_fresh ? "yes" : "no";
  node.dataset.status = place.status;
  put(find(".name"), place.name);
  find(".name").href = `/console/institutions/${place.id}`;
  put(find(".kinds"), place.kinds);
  find(".day").hidden = !place.is_24h;
  find(".green").hidden = !place.green_channel;
  find(".drill").hidden = !place.is_drill;
  find(".status").hidden = place.status === "active";
  put(find(".status"), place.status_words);
  put(find(".region"), [place.region, place.level].filter(Boolean).join("　"));
  put(find(".ages"), place.ages);
  put(find(".phones"), place.phones.join("；"));
  put(find(".services"), place.services);
  const checked = find(".checked");
  put(checked, place.verified_at ? `${clockOf(place.verified_at)} ${place.verified_by}核实` : "从来没有核实过");
  checked.classList.toggle("old", !place.is_fresh);
  if (!place.is_fresh && place.verified_at) checked.append("（太久了，先核实再用）");
  find(".check").hidden = !mayCheck;
  find(".check").addEventListener("submit", (event) => check(event, node));
  return node;
}

function draw(found) {
  const here = document.activeElement?.closest?.(".place")?.dataset.id;
  list.replaceChildren(...found.map(lineOf));
  put(part("how-many"), found.length >= MOST ? `先列出 ${MOST} 家，写得更细可以找得更准` : `${found.length} 家`);
  if (here) [...list.children].find((node) => node.dataset.id === here)?.focus();
}

async function search() {
  const number = ++asked;
  try {
    const { found } = await getJson(`/console/institutions.json?${new URLSearchParams(new FormData(form))}`);
    if (number === asked) draw(found);
    put(error, "");
  } catch (problem) {
    put(error, problem.message);
  }
}

async function check(event, node) {
  event.preventDefault();
  const button = node.querySelector(".check button");
  if (button.disabled) return;
  button.disabled = true;
  try {
    await post(`/console/institutions/${node.dataset.id}/verify`);
    await search();
  } catch (problem) {
    put(node.querySelector(".error"), problem.message);
    button.disabled = false;
  }
}

function go(step) {
  const nodes = [...list.children];
  const here = nodes.indexOf(document.activeElement?.closest?.(".place"));
  const next = here < 0 ? nodes[0] : nodes[here + step];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, WAIT_MS);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  go(1);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const line = document.activeElement?.closest?.(".place");
  if (event.key === "/") part("words").focus();
  else if (event.key === "j") go(1);
  else if (event.key === "k") go(-1);
  else if (event.key === "v" && line && mayCheck && !event.repeat) line.querySelector(".check").requestSubmit();
  else if (event.key === "Enter" && line && event.target === line) location.assign(line.querySelector(".name").href);
  else return;
  event.preventDefault();
});
draw(JSON.parse(list.dataset.found));
delete list.dataset.found;
watch();
onActivity(search);
