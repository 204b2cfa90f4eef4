// The page of a frightened person: what is written is never lost, what comes is shown once and in order, and the
// telephone numbers, the cry for help and the way out work whatever the network does.

import { Feed } from "./feed.js";
import { goTo, keepToken, keepsToken, shelf, tell } from "./frame.js";
import { KEY as QUEUE_KEY, Queue } from "./queue.js";
import { Reminder } from "./reminder.js";
import { Rows } from "./rows.js";
import { call, whenSessionIsNew } from "./wire.js";

const BACK_OFF_S = [1, 2, 4, 8, 15];
const SAME_TAP_S = 2;
const TWICE_S = 1.5;
const DRAFT_KEY = "chat.draft";
const LEFT_KEY = "chat.left";
const SESSION_KEY = "chat.session";
const URGENT = "紧急求助";
const PERSON = "转人工";
const TOO_LONG = "这段话太长了，一次发不出去。文字还在输入框里，请分成几段发送。";
const NEW_SESSION = "连接已重新建立。上面的话不会自动带到新的对话里，要紧的请再说一遍。";
const HELP = {
  waiting: "“紧急求助”正在发给值班老师。请不要等，先打电话。",
  failed: "“紧急求助”还没有发出去，正在重试。请现在直接打电话。",
  stored: "“紧急求助”已送达，正在呼叫值班老师（真人）。能打电话时，请先打电话。",
};

const byId = (id) => document.getElementById(id);
const [log, text, help, problem] = ["log", "text", "help", "problem"].map(byId);
const { leaveTo, numbers } = document.body.dataset;

const state = {
  canRead: true,
  canSend: true,
  urgentId: null,
  tapped: { text: "", at: 0 },
  escapedAt: -Infinity, // a single Esc on a young page is no double one
};

const reminder = new Reminder();
const rows = new Rows(log, byId("newer"), numbers.split("|"), tap);
const queue = new Queue({
  waiting(item) {
    rows.wait(item, queue.failures > 0);
    if (item.id === state.urgentId) byId("help-state").textContent = queue.failures ? HELP.failed : HELP.waiting;
  },
  stored(item, id, seq) {
    rows.settle(item, id, seq);
    reminder.offer();
    feed.note(seq);
    if (item.id === state.urgentId) byId("help-state").textContent = HELP.stored;
  },
  gone(item) {
    rows.forget(item);
  },
  tooLong(item) {
    rows.forget(item);
    text.value = [item.text, text.value].filter(Boolean).join("\n");
    keepDraft();
    complain(TOO_LONG);
  },
  reached(yes) {
    state.canSend = yes;
    showConnection();
  },
});

// ---- reading

const feed = new Feed({
  message(message) {
    rows.add(message, queue.items);
    if (message.author === "visitor") reminder.offer();
    else tell("news");
  },
  speaker: showSpeaker,
  complete() {
    byId("opening").hidden = true;
    log.setAttribute("aria-busy", "false");
  },
  reached(yes) {
    const isBack = yes && !state.canRead;
    state.canRead = yes;
    showConnection();
    if (isBack) queue.hurry();
  },
});

function beginSession() {
  feed.restart();
  queue.renumber();
  rows.beginEra(NEW_SESSION);
}

function showSpeaker(withPerson) {
  const name = withPerson ? "值班老师（真人）" : "机器人";
  if (byId("speaker").textContent !== name) byId("speaker").textContent = name;
  document.body.classList.toggle("with-person", Boolean(withPerson));
}

function showConnection() {
  byId("offline").hidden = state.canRead && state.canSend;
}

// ---- writing

function send() {
  if (!text.value.trim()) return;
  if (Queue.isTooLong(text.value)) return complain(TOO_LONG);
  queue.add(text.value, feed.last);
  text.value = "";
  keepDraft();
}

// A button that says something; a trembling finger says it once.
function tap(words, { isUrgent = false } = {}) {
  const now = Date.now();
  const isSame = state.tapped.text === words && now - state.tapped.at < SAME_TAP_S * 1000;
  if (isSame || queue.items.some((item) => item.text === words)) return null;
  state.tapped = { text: words, at: now };
  return queue.add(words, feed.last, { isUrgent });
}

function keepDraft() {
  problem.hidden = true;
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
  try {
    if (text.value) sessionStorage.setItem(DRAFT_KEY, text.value);
    else sessionStorage.removeItem(DRAFT_KEY);
  } catch { /* no storage here: the text is still in the box */ }
}

function complain(words) {
  problem.textContent = words;
  problem.hidden = false;
}

// ---- help and leaving

function callForHelp(event) {
  if (help.showModal) {
    event.preventDefault();
    if (!help.open) help.showModal();
    byId("help-title").focus();
  }
  // Without dialogs the link itself shows the panel. One that still waits, from before, is not sent twice.
  const item = tap(URGENT, { isUrgent: true }) ?? queue.items.find((waiting) => waiting.text === URGENT);
  if (item) state.urgentId = item.id;
  if (item) byId("help-state").textContent = queue.failures ? HELP.failed : HELP.waiting;
}

function closeHelp(event) {
  if (!help.open) return;
  event.preventDefault();
  help.close();
  byId("urgent").focus();
}

function leave(event) {
  event?.preventDefault();
  store((storage) => storage.setItem(LEFT_KEY, "1")); // the cookie goes at the next visit if the server is away now
  queue.leave();
  reminder.forget();
  call("POST", "/api/chat/leave", { keepalive: true, isFinal: true });
  keepToken("");
  vanish();
}

function vanish() {
  feed.stop();
  text.value = "";
  keepDraft();
  store((storage) => storage.removeItem(SESSION_KEY));
  rows.clear();
  document.body.replaceChildren();
  goTo(leaveTo);
}

function store(change) {
  try {
    return change(shelf());
  } catch {
    return null;
  }
}

// ---- the page

function onKey(event) {
  const isTyping = event.isComposing || event.keyCode === 229; // Enter and Esc belong to the input method
  if (isTyping || event.repeat) return;
  if (event.key === "Escape") {
    if (event.timeStamp - state.escapedAt < TWICE_S * 1000) leave(event);
    state.escapedAt = event.timeStamp;
  } else if (event.key === "Enter" && !event.shiftKey && event.target === text) {
    event.preventDefault();
    send();
  } else if (event.key === " " && event.target.matches?.("a[role=button]")) {
    event.preventDefault();
    event.target.click();
  }
}

// Safari lays the keyboard over the page: the page becomes as high as what is left.
function fitKeyboard() {
  const { height, offsetTop, scale } = window.visualViewport;
  const isCovered = scale === 1 && height < window.innerHeight - 1;
  document.documentElement.style.setProperty("--height", isCovered ? `${height}px` : "100dvh");
  document.documentElement.style.setProperty("--top", isCovered ? `${offsetTop}px` : "0px");
}

function onStorage({ key, newValue }) {
  if (key === LEFT_KEY && newValue) vanish();
  if (key === QUEUE_KEY) queue.reload();
  if (key === SESSION_KEY && newValue) beginSession();
  if (key === QUEUE_KEY || key === SESSION_KEY) feed.read();
}

function wire() {
  const button = document.querySelector(".send");
  byId("form").addEventListener("submit", (event) => { event.preventDefault(); send(); });
  button.disabled = false; // before, it would load the page anew, without what was typed
  button.addEventListener("mousedown", (event) => event.preventDefault()); // keyboard stays
  text.addEventListener("input", keepDraft);
  byId("urgent").addEventListener("click", callForHelp);
  byId("person").addEventListener("click", () => tap(PERSON));
  byId("help-close").addEventListener("click", closeHelp);
  for (const link of document.querySelectorAll(".js-leave")) link.addEventListener("click", leave);
  window.addEventListener("keydown", onKey, true);
  window.addEventListener("storage", onStorage);
  window.addEventListener("online", () => { feed.hurry(); queue.hurry(); });
  window.addEventListener("offline", () => { state.canRead = false; showConnection(); });
  window.addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
  document.addEventListener("visibilitychange", () => !document.hidden && feed.hurry());
  window.visualViewport?.addEventListener("resize", fitKeyboard);
  window.visualViewport?.addEventListener("scroll", fitKeyboard);
  whenSessionIsNew(() => {
    reminder.forget(); // it belonged to another conversation, perhaps to another person
    store((storage) => storage.setItem(SESSION_KEY, String(Date.now())));
    beginSession();
  });
}

// Somebody left from here while the server could not be told: nothing of that conversation is shown before it is.
async function finishLeaving() {
  if (store((storage) => storage.getItem(LEFT_KEY))) reminder.forget();
  for (let tries = 0; store((storage) => storage.getItem(LEFT_KEY)); tries += 1) {
    const { status } = await call("POST", "/api/chat/leave", { isFinal: true });
    if (status > 0 && status < 500) return store((storage) => storage.removeItem(LEFT_KEY));
    state.canRead = false;
    showConnection();
    await new Promise((resolve) => setTimeout(resolve, BACK_OFF_S[Math.min(tries, BACK_OFF_S.length - 1)] * 1000));
  }
  return null;
}

async function start() {
  wire();
  tell("ready", { keeps: keepsToken });
  byId("fleeting").hidden = keepsToken;
  byId("opening").hidden = false;
  const draft = store(() => sessionStorage.getItem(DRAFT_KEY)) ?? "";
  if (text.value !== draft) text.value = [draft, text.value].filter(Boolean).join("\n"); // some typed before we came
  keepDraft();
  await finishLeaving();
  queue.start();
  feed.start();
}

start();
