// Voices, pictures, videos and files of a message. Names and states come from the server; nothing here was named by a visitor.

import { make } from "./make.js";

const KINDS = { voice: "语音", image: "图片", video: "视频", sticker: "表情", file: "文件" };
const NOTE = "可能有刺激性内容，点击查看";
const CLOSE = "关闭";
const dialog = make("dialog", "large-picture");
const large = make("img");
const close = make("button", "", CLOSE);
close.type = "button";
close.addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => event.target !== close && dialog.close());
dialog.setAttribute("aria-label", "放大的图片");
dialog.append(large, close);
document.body.append(dialog);

const sizeOf = (bytes) => (bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} KB`);
const wordOf = (file) => KINDS[file.kind] ?? "文件";

// A picture stays blurred until somebody who knows what may come wants to see it; then it opens large.
function picture(file, url) {
  const button = make("button", "picture veiled");
  button.type = "button";
  const image = make("img");
  image.src = url;
  image.alt = "";
  image.addEventListener("error", () => button.replaceWith(make("span", "muted", "图片打不开，请下载后看")));
  const veil = make("span", "veil", NOTE);
  button.append(image, veil);
  button.addEventListener("click", () => {
    if (button.classList.contains("veiled")) {
      button.classList.remove("veiled");
      veil.remove();
      image.alt = "来访者发来的图片，点击放大";
      return;
    }
    large.src = url;
    large.alt = "来访者发来的图片";
    dialog.showModal();
  });
  return button;
}

function player(file, url) {
  const node = make(file.shown);
  node.controls = true;
  node.preload = "none"; // what is fetched is in the audit as seen
  node.src = url;
  node.setAttribute("aria-label", `来访者发来的${wordOf(file)}`);
  return node;
}

function one(file) {
  const node = make("div", "file");
  node.dataset.state = file.state;
  if (file.state !== "stored") {
    node.append(make("span", "muted", `${wordOf(file)}：${file.state_words}`));
    return node;
  }
  const url = `/console/files/${encodeURIComponent(file.id)}`;
  if (file.shown !== "download") node.append(file.shown === "image" ? picture(file, url) : player(file, url));
  const link = make("a", "small", `下载${wordOf(file)}（${sizeOf(file.size)}）`);
  link.href = url;
  link.download = file.name;
  node.append(link);
  if (file.note) node.append(make("span", "muted small", file.note));
  return node;
}

export function drawFiles(files) {
  const node = make("div", "files");
  node.dataset.key = JSON.stringify(files);
  node.append(...files.map(one));
  return node;
}
