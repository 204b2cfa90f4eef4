// Cards above every page: a colleague who wants help, a clock that ran out, cases that became orange or red.

import { put, span } from "./alarm.js";
import { post } from "./http.js";
import { make } from "./make.js";

const drill = (one) => (one.is_drill ? "（演练）" : "");

export const reminderKey = (one) => `reminder ${one.case_id} ${one.what} ${one.since}`;
export const wasPutAway = (one) => sessionStorage.getItem(reminderKey(one)) !== null;

export function helpCard(one, { card, button, openCase, refresh }) {
  const { node, words, error } = card("help", one.level);
  const answer = make("input");
  answer.placeholder = "给同事的话（可不填）";
  answer.setAttribute("aria-label", "给同事的话");
  answer.maxLength = 500;
  const send = () => post(`/console/cases/${one.case_id}/help/answer`, { words: answer.value }).then(refresh, (problem) => put(error, problem.message));
  node.append(button("我来帮忙", send, "main"), answer, openCase(one.case_id), error);
  const tick = ({ by, level_label, case_no, at, why }) => put(words, `${by} 请督导帮忙：${level_label} ${case_no}${drill(one)}，已等 ${span(at)}${why ? `。${why}` : ""}`);
  return { node, tick };
}

export function reminderCard(one, { card, button, openCase, redraw }) {
  const { node, words } = card("reminder", one.level);
  const putAway = () => {
    sessionStorage.setItem(reminderKey(one), "1");
    redraw();
  };
  node.append(openCase(one.case_id), button("知道了", putAway, "quiet"));
  const tick = ({ owner, level_label, case_no, since, start, words: what }) => put(words, `${owner ? `${owner}的 ` : ""}${level_label} ${case_no}${drill(one)} ${start} ${span(since)}，${what}`);
  return { node, tick };
}

// Quiet: no sound, one card however many there are.
export function riseCard(rises, { card, button, refresh }) {
  const { node, words, error } = card("rises");
  put(words, "升为橙、红的个案（抄送）");
  for (const one of rises.lines) {
    const link = make("a", "rise");
    link.href = `/console/cases/${one.case_id}`;
    const level = make("span", "level", one.level_label);
    level.dataset.level = one.level;
    link.append(level, ` ${one.case_no}${drill(one)}${one.served_by ? `，${one.served_by}在服务` : ""}，${span(one.at)} 前`);
    node.append(link);
  }
  if (rises.more) node.append(make("span", "muted", `另有 ${rises.more} 个，在队列里`));
  const seen = () => post("/console/rises/seen", { until: rises.until }).then(refresh, (problem) => put(error, problem.message));
  node.append(button("知道了", seen, "quiet"), error);
  return { node };
}
