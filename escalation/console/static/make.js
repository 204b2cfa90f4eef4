// One element with its class and words; words are never markup.

export function make(tag, className = "", words = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (words) node.textContent = words;
  return node;
}
