// A press before the page's own script listens is kept and done then: nothing typed goes into an address, no click is lost.

const held = [];
const isOurs = (form) => !form.hasAttribute("method"); // a form with a method is the browser's own

function hold(event, again) {
  event.preventDefault();
  event.stopImmediatePropagation();
  held.push(again);
}

function onSubmit(event) {
  const { target, submitter } = event;
  if (isOurs(target)) hold(event, () => target.requestSubmit(submitter));
}

function onClick(event) {
  const button = event.target.closest?.("button");
  if (button && (!button.form || button.type === "button")) hold(event, () => button.click());
}

document.addEventListener("submit", onSubmit, true);
document.addEventListener("click", onClick, true);
document.addEventListener("DOMContentLoaded", () => { // modules have run by then
  document.removeEventListener("submit", onSubmit, true);
  document.removeEventListener("click", onClick, true);
  for (const again of held) again();
});
