// The page 保护: clocks first, then complaints and notifications; keyed, so that nothing typed here is lost.

import { put } from "./alarm.js";
import { getJson, onActivity } from "./http.js";
import { make } from "./make.js";
import { countSafeguarding } from "./safeguarding_bell.js";
import { safeguardingForm } from "./safeguarding_form.js";
import { clockWords, isLate, Matters } from "./safeguarding_matters.js";
import { watch } from "./watch.js";

const part = (id) => document.getElementById(id);
const LISTS = { complaint: "complaints", notification: "notifications" };
const lists = {};
const rows = new Map(); // task id -> node
let shown = JSON.parse(part("clocks").dataset.shown);
delete part("clocks").dataset.shown;

function rowOf(row) {
  const node = make("li", "card clock-row");
  const link = make("a", "", row.case_no || "看下面");
  link.href = row.kind in LISTS ? `#m-${row.matter}` : `/console/cases/${row.case_id}#tab-safeguarding`;
  node.append(make("b", "when"), make("span", "badge", row.kind_words), link, make("span", "state"), make("span", "muted small", row.by));
  if (row.is_drill) node.append(make("span", "badge drill", "演练"));
  node.addEventListener("click", () => reveal(row));
  return node;
}

function reveal(row) {
  const box = part(`m-${row.matter}`)?.closest("details");
  if (box) box.open = true;
}

function drawRows() {
  const there = new Set(shown.rows.map((row) => row.id));
  for (const [id, node] of rows) if (!there.has(id)) node.remove(), rows.delete(id);
  for (const [place, row] of shown.rows.entries()) {
    const node = rows.get(row.id) ?? rowOf(row);
    rows.set(row.id, node);
    put(node.querySelector(".when"), clockWords(row));
    put(node.querySelector(".state"), row.state_words);
    node.dataset.late = isLate(row) ? "yes" : "no";
    const list = part("clocks");
    if (list.children[place] !== node) list.insertBefore(node, list.children[place] ?? null);
  }
  part("nothing").hidden = shown.rows.length > 0;
}

function draw() {
  drawRows();
  for (const [kind, name] of Object.entries(LISTS)) {
    const matters = shown.lists[kind];
    part(name).hidden = !matters;
    if (!matters) continue;
    lists[kind] ??= { open: listOf(name, kind, "open"), ended: listOf(name, kind, "ended") };
    const ended = matters.filter((matter) => matter.clocks.length === 0);
    lists[kind].open.draw(matters.filter((matter) => matter.clocks.length > 0), shown.forms, { staff: shown.staff });
    lists[kind].ended.draw(ended, shown.forms, { staff: shown.staff });
    part(`${name}-ended`).hidden = ended.length === 0;
    part(`${name}-none`).hidden = matters.length > ended.length;
    offerNew(kind, name);
  }
}

const listOf = (name, kind, which) => new Matters(part(`${name}-${which}-list`), () => `/console/safeguarding/${LISTS[kind]}/step`, refresh);

function offerNew(kind, name) {
  const box = part(`${name}-new`);
  box.hidden = !shown.may[kind];
  if (box.querySelector("form")) return;
  const spec = shown.forms[`${kind}.make`];
  const case_no = { name: "case_no", kind: "line", words: "个案编号", hint: "在对话里投诉的才有；电话里投诉的空着", optional: true, options: [] };
  const fields = kind === "complaint" ? [case_no, ...spec.fields] : spec.fields;
  const done = () => ((box.open = false), refresh());
  box.append(safeguardingForm({ ...spec, fields }, `/console/safeguarding/${LISTS[kind]}`, { told: { staff: shown.staff }, done, isMain: true }));
}

let asked = 0;

// An answer that was overtaken by a later one is left out.
async function refresh() {
  countSafeguarding();
  const number = ++asked;
  const fresh = await getJson("/console/safeguarding.json").catch(() => null);
  if (!fresh || number !== asked) return;
  shown = fresh;
  draw();
}

draw();
watch({ row: (row) => row.what.startsWith("safeguarding_") && refresh(), resync: refresh });
onActivity(refresh);
setInterval(refresh, 60_000);
setInterval(() => {
  drawRows();
  for (const { open } of Object.values(lists)) open.tick();
}, 1000);
