// Tabs beside the conversation: arrow keys move, the chosen one is remembered for this case while the window lives.

const tabs = [...document.querySelectorAll('[role="tab"]:not([hidden])')];
const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));

export function choose(tab) {
  for (const other of tabs) {
    const isChosen = other === tab;
    other.setAttribute("aria-selected", String(isChosen));
    other.tabIndex = isChosen ? 0 : -1;
    panelOf(other).hidden = !isChosen;
  }
}

// A dot on a tab says that something in it waits; an empty text takes it away.
export function mark(name, words) {
  const dot = document.querySelector(`#tab-${name} .tab-mark`);
  dot.hidden = !words;
  dot.textContent = words;
}

export function startTabs(key) {
  const saved = tabs.find((tab) => `#${tab.id}` === location.hash) ?? tabs.find((tab) => tab.id === sessionStorage.getItem(key));
  if (saved) choose(saved);
  for (const [place, tab] of tabs.entries()) {
    tab.addEventListener("click", () => {
      choose(tab);
      sessionStorage.setItem(key, tab.id);
    });
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = tabs[(place + step + tabs.length) % tabs.length];
      next.click();
      next.focus();
    });
  }
}
