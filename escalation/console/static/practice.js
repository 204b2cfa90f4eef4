// What must be known of a case behind which nobody is.

import { put } from "./alarm.js";

const part = (id) => document.getElementById(id);

export function drawPractice({ row, practice }) {
  put(part("drill"), row.is_practice ? "练习" : "演练");
  part("practice").hidden = !practice;
  put(part("practice-words"), practice?.words ?? "");
  part("practice-end").hidden = !practice?.may_end;
}
