// The page 演练: plain forms, and the list drawn anew when a drill begins or ends, unless somebody is writing in it.

import "./forms.js";

const SOON_MS = 500; // many events, one look
const list = document.getElementById("drills");
let timer = 0;

const isBusy = () => document.activeElement.matches("#drills textarea") || [...list.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue);

async function renew() {
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("drills");
  if (!fresh || isBusy() || fresh.innerHTML === list.innerHTML) return;
  const folds = () => [...list.querySelectorAll("details")];
  const [open, here] = [folds().map((one) => one.open), folds().findIndex((one) => one.contains(document.activeElement))];
  list.replaceChildren(...fresh.childNodes);
  if (folds().length !== open.length) return;
  folds().forEach((one, place) => (one.open = open[place]));
  folds()[here]?.querySelector("summary").focus();
}

document.addEventListener("desk-people", () => {
  clearTimeout(timer);
  timer = setTimeout(renew, SOON_MS);
});
