// This browser as a place to be called: asked for only after a press; the knock itself carries nothing.

const WORKER = "/console/static/knock.js";

export const canKnock = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

const bytesOf = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));

// The address of this browser at its push service; "" when it is not turned on here.
export async function endpointHere() {
  if (!canKnock()) return "";
  const registration = await navigator.serviceWorker.getRegistration(WORKER);
  const subscription = await registration?.pushManager.getSubscription();
  return subscription?.endpoint ?? "";
}

// Ask the person, then the push service; throws words that say what to do.
export async function turnOnHere(key) {
  if (!canKnock()) throw new Error("这个浏览器没有通知功能：请换 Edge、Chrome、Firefox 或新版 Safari，并用 https 打开");
  if ((await Notification.requestPermission()) !== "granted") throw new Error("浏览器不允许通知：请在地址栏左边的网站设置里改成允许，再点一次");
  await navigator.serviceWorker.register(WORKER);
  const registration = await activeRegistration();
  try {
    const options = { userVisibleOnly: true, applicationServerKey: bytesOf(key) };
    return (await registration.pushManager.subscribe(options)).endpoint;
  } catch {
    throw new Error("浏览器连不上它的通知服务，在这台设备上用不了：请改用短信或邮件");
  }
}

export async function turnOffHere() {
  const registration = await navigator.serviceWorker.getRegistration(WORKER);
  const subscription = await registration?.pushManager.getSubscription();
  await subscription?.unsubscribe();
}

// A worker must be running before a browser lets it be called.
async function activeRegistration() {
  const registration = await navigator.serviceWorker.getRegistration(WORKER);
  const worker = registration.installing ?? registration.waiting;
  if (!registration.active && worker) {
    await new Promise((resolve) => worker.addEventListener("statechange", () => worker.state === "activated" && resolve()));
  }
  return registration;
}
