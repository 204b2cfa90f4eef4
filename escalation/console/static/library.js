// The list: a search that shows what the bot would do, and a new article.

import { put } from "./alarm.js";
import { getJson, onActivity, post } from "./http.js";
import { watch } from "./watch.js";

const WAIT_MS = 250;
const search = document.getElementById("search");
const words = document.getElementById("words");
const list = document.getElementById("found-list");
const begin = document.getElementById("begin");
let timer = 0;
let asked = 0;

function draw({ zone, score, articles }) {
  put(document.getElementById("found"), zone ? `机器人会：${zone}（第一条的把握 ${score}%）` : "");
  list.replaceChildren(
    ...articles.map(({ id, title }) => {
      const [line, link] = [document.createElement("li"), document.createElement("a")];
      link.href = `/console/library/articles/${id}`;
      link.textContent = title;
      line.append(link);
      return line;
    }),
  );
}

async function look() {
  const number = ++asked;
  try {
    const found = await getJson(`/console/library/search.json?${new URLSearchParams(new FormData(search))}`);
    if (number === asked) draw(found);
    put(search.querySelector(".error"), "");
  } catch (problem) {
    put(search.querySelector(".error"), problem.message);
  }
}

search.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, WAIT_MS);
});
search.addEventListener("submit", (event) => {
  event.preventDefault();
  look();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
  event.preventDefault();
  words.focus();
});
begin?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (begin.dataset.busy) return;
  begin.dataset.busy = "yes";
  try {
    const { id } = await post("/console/library/new");
    location.assign(`/console/library/drafts/${id}`);
  } catch (problem) {
    put(begin.querySelector(".error"), problem.message);
    delete begin.dataset.busy;
  }
});
watch();
onActivity(() => getJson("/console/library/search.json").catch(() => null));
