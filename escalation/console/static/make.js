// One element with its class and words; words are never markup. And lists that are drawn again only when they changed.

export function make(tag, className = "", words = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (words) node.textContent = words;
  return node;
}

// What is under the hand stays where it is while nothing has changed.
export function redraw(list, items, draw) {
  const key = JSON.stringify(items);
  if (list.drawn === key) return;
  list.drawn = key;
  list.replaceChildren(...items.map(draw));
}
