// The service worker that is woken by a knock. The knock says nothing: what to show is asked of our own server, and
// when that cannot be had, the alarm is shown. A press opens the console and tells the desk that somebody has seen it.

const UNKNOWN = { title: "【值班提醒】", text: "请立即打开值班台", kind: "call" };

async function tell(path) {
  const subscription = await self.registration.pushManager.getSubscription();
  const body = new URLSearchParams({ endpoint: subscription?.endpoint ?? "" });
  return fetch(path, { method: "POST", body, cache: "no-store", credentials: "omit" });
}

async function show() {
  const words = await tell("/console/knock").then((answer) => (answer.ok ? answer.json() : UNKNOWN)).catch(() => UNKNOWN);
  const isCall = words.kind === "call";
  await self.registration.showNotification(words.title, {
    body: words.text, tag: words.kind, renotify: true, requireInteraction: isCall, icon: "/console/static/icon.svg",
  });
}

async function open() {
  const told = tell("/console/knock/seen").catch(() => null); // the desk will still see the claim
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((one) => new URL(one.url).pathname.startsWith("/console"));
  await (page ? page.focus() : self.clients.openWindow("/console"));
  await told;
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("push", (event) => event.waitUntil(show()));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open());
});
