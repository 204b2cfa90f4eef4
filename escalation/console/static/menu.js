// The header's menu closes by Escape and by a press beside it.

import "./drafts.js"; // brought by the first page of a tab: a case that is opened from there waits for nothing

const menu = document.querySelector(".more-rooms");

function close(event) {
  if (!menu.open || (event.type === "click" && menu.contains(event.target))) return;
  if (event.type === "keydown" && event.key !== "Escape") return;
  menu.open = false;
  if (event.type === "keydown") menu.querySelector("summary").focus();
}

if (menu) {
  document.addEventListener("click", close);
  document.addEventListener("keydown", close);
}
