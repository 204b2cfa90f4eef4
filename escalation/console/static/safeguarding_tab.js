// The tab 报告与突破 of a case. All words are somebody's own: textContent only.

import { safeguardingForm } from "./safeguarding_form.js";
import { isLate, Matters } from "./safeguarding_matters.js";
import { mark } from "./tabs.js";

const part = (id) => document.getElementById(id);
const NEW = { harm: "report.make", breach: "breach.make", complaint: "complaint.make" };
const WAY = { agree: "decision", refuse: "decision", excuse: "excuse" };
const ON_THE_PAGE = "/console/safeguarding/complaints/step";
const forms = JSON.parse(part("matters").dataset.forms);
let cards = null;
let told = {}; // the newest words of the person, and colleagues
let url = "";
let refresh = () => {};

export function startSafeguarding(at, again) {
  url = at;
  refresh = again;
  const way = (matter, action) => (matter.kind === "complaint" ? ON_THE_PAGE : `${url}/safeguarding/${WAY[action] ?? "step"}`);
  cards = new Matters(part("matters"), way, again);
}

export function drawSafeguarding({ safeguarding, messages }) {
  const { matters, may, staff } = safeguarding;
  told = { staff, messages };
  cards.draw(matters, forms, told);
  part("no-matters").hidden = matters.length > 0;
  for (const [name, key] of Object.entries(NEW)) {
    const box = part(`make-${name}`);
    box.hidden = !may[name];
    if (box.dataset.drawn) continue;
    box.dataset.drawn = "yes";
    box.addEventListener("toggle", () => box.open && openForm(box, name, key));
  }
  tickSafeguarding();
}

// Drawn when it is opened, so that the newest words of the person can be picked; once drawn it keeps what is typed.
function openForm(box, name, key) {
  if (box.querySelector("form")) return;
  const done = () => {
    box.querySelector("form").remove();
    box.open = false;
    refresh();
  };
  box.append(safeguardingForm(forms[key], `${url}/safeguarding/${name}`, { told, done, isMain: true }));
}

export function tickSafeguarding() {
  if (!cards) return;
  cards.tick();
  const clocks = [...cards.cards.values()].flatMap((card) => card.matter.clocks);
  mark("safeguarding", clocks.some(isLate) ? "超时" : clocks.length ? String(clocks.length) : "");
}
