// Who was invited to look at this case. Drawn again only when it changed: nothing moves under the hand.

import { put } from "./alarm.js";
import { post } from "./http.js";
import { clockOf } from "./messages.js";

const part = (id) => document.getElementById(id);

export function drawShares({ may, shares }, url, refresh) {
  part("share-form").hidden = !may;
  const list = part("shares");
  const key = JSON.stringify([may, shares]);
  if (list.drawn === key) return;
  list.drawn = key;
  list.replaceChildren(...shares.map((share) => line(share, may, url, refresh)));
}

function line(share, may, url, refresh) {
  const node = part("blank-share").content.firstElementChild.cloneNode(true);
  const find = (name) => node.querySelector(name);
  put(find(".with"), share.with);
  put(find(".state"), share.is_open ? "正在共享" : "已结束");
  find(".contact").hidden = !share.contact;
  put(find(".when"), `${share.by} 共享，${share.ended_at ? `${clockOf(share.ended_at)} 提前结束` : `到 ${clockOf(share.until)}`}`);
  put(find(".reason"), share.reason);
  const form = find(".end");
  form.hidden = !(may && share.is_open);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await post(`${url}/share/end`, { share: share.id });
      refresh();
    } catch (problem) {
      put(form.querySelector(".error"), problem.message);
    }
  });
  return node;
}
