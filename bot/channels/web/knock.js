// The service worker that is woken by a knock when the page is closed. It shows one fixed line: on a lock screen nobody
// must read what this is about. It reads and keeps nothing else.

const LINE = "您有一条新消息";

const isChat = (page) => new URL(page.url).pathname === "/";
const chats = async () => (await self.clients.matchAll({ type: "window", includeUncontrolled: true })).filter(isChat);

async function show() {
  if ((await chats()).some((page) => page.visibilityState === "visible")) return;
  await self.registration.showNotification(LINE, { tag: "news" });
}

async function open() {
  const [page] = await chats();
  await (page ? page.focus() : self.clients.openWindow("/"));
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("push", (event) => event.waitUntil(show()));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open());
});
