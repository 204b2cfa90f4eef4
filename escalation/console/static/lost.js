// How many words did not arrive: the number beside 未送达 in the header, on every page that watches.

export function showLost(count) {
  const mark = document.getElementById("lost-count");
  if (!mark || !Number.isInteger(count)) return;
  mark.hidden = count === 0;
  mark.textContent = String(count);
  mark.setAttribute("aria-label", `${count} 条话没有送达`);
}
