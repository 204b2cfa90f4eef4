// "Remind me when an answer has come after I closed the page": only after a tap, one tap off, and nothing of it is left
// on this device when the conversation is. Not offered inside other sites' pages: a closed frame forgets its
// conversation, and browsers let frames ask for nothing.

import { isEmbedded, shelf } from "./frame.js";
import { call } from "./wire.js";

const WORKER = "/chat/knock.js";
const KEY = "chat.reminder"; // the push address that this conversation turned on
const OFF = { button: "关掉页面后，有回复时提醒我", what: "只显示“您有一条新消息”，不显示内容；共用电脑请不要打开。" };
const ON = { button: "关掉提醒", what: "提醒已打开：只显示“您有一条新消息”，不显示内容。" };
const NOT_ALLOWED = "浏览器不允许提醒：可以在网站设置里改，不改也不影响对话。";
const NOT_HERE = "这个浏览器连不上它的提醒服务，用不了；不影响对话。";
const NOT_NOW = "刚才没有连上，请再点一次。";

const part = (name) => document.getElementById(name);
const bytesOf = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));

export class Reminder {
  constructor() {
    this.key = part("reminder")?.dataset.key ?? "";
    this.subscription = null;
    this.canKnock = Boolean(this.key) && !isEmbedded
      && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  }

  // Once the person has written something: whoever only looks is not asked.
  async offer() {
    if (!this.canKnock || !part("reminder").hidden) return;
    part("reminder").hidden = false;
    part("reminder-switch").addEventListener("click", () => this.press());
    this.show();
    const found = await kept().catch(() => null); // a browser may forbid even to look
    if (found && found.endpoint === remembered()) this.subscription = found;
    this.show();
  }

  show(problem = "") {
    if (!this.canKnock) return;
    const words = this.subscription ? ON : OFF;
    part("reminder-switch").textContent = words.button;
    part("reminder-what").textContent = words.what;
    part("reminder-problem").textContent = problem;
  }

  async press() {
    const button = part("reminder-switch");
    button.disabled = true;
    this.show(this.subscription ? await this.turnOff() : await this.turnOn());
    button.disabled = false;
  }

  // Both answer what went wrong, in words; "" when nothing did.
  async turnOn() {
    if ((await Notification.requestPermission()) !== "granted") return NOT_ALLOWED;
    const fresh = await this.subscribe().catch(() => null);
    if (!fresh) return NOT_HERE;
    const { status } = await call("POST", "/api/chat/reminder", { body: JSON.stringify({ endpoint: fresh.endpoint }), isFinal: true });
    if (status !== 204) {
      await fresh.unsubscribe();
      return status === 422 ? NOT_HERE : NOT_NOW;
    }
    this.subscription = fresh;
    remember(fresh.endpoint);
    return "";
  }

  async turnOff() {
    this.forget(); // from here on no knock reaches this device, whatever becomes of the request
    await call("DELETE", "/api/chat/reminder", { isFinal: true });
    return "";
  }

  // Nothing of it stays on this device; the server forgets with the conversation.
  forget() {
    this.subscription?.unsubscribe(); // begun before the page is left
    this.subscription = null;
    remember("");
    if (this.canKnock) navigator.serviceWorker.getRegistration(WORKER).then((worker) => worker?.unregister()).catch(() => null);
    this.show();
  }

  async subscribe() {
    await navigator.serviceWorker.register(WORKER);
    const registration = await running();
    return registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(this.key) });
  }
}

async function kept() {
  const registration = await navigator.serviceWorker.getRegistration(WORKER);
  return registration?.pushManager.getSubscription();
}

// A worker must be running before a browser lets it be called.
async function running() {
  const registration = await navigator.serviceWorker.getRegistration(WORKER);
  const worker = registration.installing ?? registration.waiting;
  if (!registration.active && worker) {
    await new Promise((resolve) => worker.addEventListener("statechange", () => worker.state === "activated" && resolve()));
  }
  return registration;
}

function remembered() {
  try {
    return shelf().getItem(KEY);
  } catch {
    return null;
  }
}

function remember(endpoint) {
  try {
    if (endpoint) shelf().setItem(KEY, endpoint);
    else shelf().removeItem(KEY);
  } catch { /* no storage here: turned on again at the next visit */ }
}
