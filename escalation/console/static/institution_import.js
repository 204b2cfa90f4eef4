// Two steps: the file is looked at, and only the second press stores it. The page keeps the file, the server nothing.

import { put } from "./alarm.js";
import { post } from "./http.js";
import { make } from "./make.js";
import { watch } from "./watch.js";

const WAIT_MS = 120_000; // ten thousand rows take a while
const LARGEST = 1024 * 1024;
const WHAT = { new: "新的", changed: "有改动", broken: "有错，不导入" };
const part = (id) => document.getElementById(id);
const [form, button] = [part("import"), part("confirm-import")];
const error = form.querySelector(".error");
let digest = "";

function row(line) {
  const node = make("tr");
  node.dataset.what = line.what;
  const words =
    line.what === "broken"
      ? line.errors.map(([column, why]) => `${column}：${why}`)
      : line.changes.map(([column, before, after]) => `${column}：${before || "（空）"} → ${after || "（空）"}`);
  node.append(make("td", "", String(line.row)), make("td", "", WHAT[line.what]), make("td", "", line.name), make("td", "", words.join("\n")));
  return node;
}

function draw({ counts, lines, ignored }) {
  put(part("counts"), `新的 ${counts.new} 行 · 有改动 ${counts.changed} 行 · 一样的 ${counts.same} 行 · 有错 ${counts.broken} 行`);
  part("ignored").hidden = ignored.length === 0;
  put(part("ignored"), ignored.length ? `这些列没有读：${ignored.join("、")}` : "");
  part("lines").replaceChildren(...lines.map(row));
  const all = counts.new + counts.changed + counts.broken;
  put(part("more"), all > lines.length ? `这里是前 ${lines.length} 行，一共 ${all} 行。` : "");
  const store = counts.new + counts.changed;
  button.disabled = store === 0;
  put(button, store ? `确认导入 ${store} 行` : "没有可以导入的行");
  part("preview-box").hidden = false;
}

async function send(where, confirmed) {
  const file = form.elements.file.files[0];
  put(error, "");
  put(part("confirm-error"), "");
  if (!file) return null;
  if (file.size > LARGEST) {
    put(error, `文件最大1 MB，这个有${(file.size / LARGEST).toFixed(1)} MB，请拆成几个文件`);
    return null;
  }
  const fields = new FormData();
  fields.set("file", file);
  if (confirmed) fields.set("digest", digest);
  try {
    return await post(form.dataset.url, fields, WAIT_MS);
  } catch (problem) {
    put(where, problem.message);
    return null;
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  part("preview-box").hidden = true;
  const found = await send(error, false);
  if (!found) return;
  digest = found.digest;
  draw(found);
});
form.elements.file.addEventListener("change", () => (part("preview-box").hidden = true));
button.addEventListener("click", async () => {
  button.disabled = true;
  const done = await send(part("confirm-error"), true);
  if (!done) {
    button.disabled = false;
    return;
  }
  const skipped = done.passed_over ? `；${done.passed_over} 行刚刚被别人改过，没有动` : "";
  put(part("counts"), `已导入 ${done.stored} 行${skipped}。${form.dataset.then}`);
  put(button, "已导入");
  part("lines").replaceChildren();
});
watch();
