// Words that were typed and not sent: kept in this tab at once, and with the server for the person who typed them, so
// that a lost browser loses nothing. They come back wherever this person signs in, and go when they are sent.

import { getJson, post } from "./http.js";

const PAUSE_MS = 400; // from the first stroke that the server lacks
const AGAIN_MS = 5000;
const BRINGING_MS = 3000; // a slow server must not hold up the page
const OWNER = "drafts.of";
const me = document.body.dataset.me ?? "";
const CASE = /\/cases\/([0-9a-f]+)/.exec(location.pathname)?.[1] ?? "";
const unsaved = new Map(); // place -> newest words
const timers = new Map();

// Once a tab: what another browser, or this one before it was lost, had not sent.
async function bring() {
  if (!me || sessionStorage.getItem(OWNER) === me) return;
  if (sessionStorage.getItem(OWNER)) sessionStorage.clear(); // somebody else signed in at this tab
  try {
    const { drafts } = await getJson("/console/account/drafts.json", BRINGING_MS);
    for (const [place, text] of Object.entries(drafts)) {
      if (sessionStorage.getItem(place) === null) sessionStorage.setItem(place, text);
    }
    sessionStorage.setItem(OWNER, me);
  } catch {
    // the next page asks again
  }
}

await bring();

export const kept = (place) => sessionStorage.getItem(place);

// `there`: what the server keeps, where that is more than this tab needs.
export function keep(place, text, there = text) {
  if (text) sessionStorage.setItem(place, text);
  else sessionStorage.removeItem(place);
  if (!me) return;
  unsaved.set(place, there);
  soon(place, PAUSE_MS);
}

// Awaited where the page is left at once.
export async function forget(place) {
  if (kept(place) === null) return;
  keep(place, "");
  clearTimeout(timers.get(place));
  timers.delete(place);
  await save(place);
}

function soon(place, wait_ms) {
  if (!timers.has(place)) timers.set(place, setTimeout(() => (timers.delete(place), save(place)), wait_ms));
}

async function save(place) {
  const text = unsaved.get(place);
  if (text === undefined) return;
  unsaved.delete(place);
  try {
    await post("/console/account/drafts", { place, text, case: CASE });
  } catch (problem) {
    if (!problem.again) return; // signed out, or too long: this tab still has it
    if (!unsaved.has(place)) unsaved.set(place, text);
    soon(place, AGAIN_MS);
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) for (const place of unsaved.keys()) save(place);
});

// What is typed into the text fields of a form, until `forgetForm`.
const fieldsOf = (form) => [...form.querySelectorAll("textarea[name], input[name]:not([type]), input[type=text][name]")];

export function keepForm(form, place) {
  form.dataset.place = place;
  const before = JSON.parse(kept(place) ?? "{}");
  for (const field of fieldsOf(form)) {
    if (!before[field.name] || field.value) continue;
    field.value = before[field.name];
    const fold = form.closest("details");
    if (fold) fold.open = true; // or nobody would see that something waits there
  }
  form.addEventListener("input", () => {
    const typed = Object.fromEntries(fieldsOf(form).filter((field) => field.value).map((field) => [field.name, field.value]));
    keep(place, Object.keys(typed).length ? JSON.stringify(typed) : "");
  });
}

export async function forgetForm(form) {
  if (form.dataset.place) await forget(form.dataset.place);
}
