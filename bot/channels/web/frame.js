// What differs inside another site's frame (/embed). Browsers may refuse us cookies there, so the token is kept in
// memory and in this tab's own storage and goes along as bearer; other tabs, and our own page, have other conversations.

export const isEmbedded = "embedded" in document.body.dataset;
const TOKEN_KEY = "chat.token";
export const keepsToken = !isEmbedded || hasStorage(); // false: on this site's next page the conversation is gone
let token = isEmbedded && keepsToken ? (sessionStorage.getItem(TOKEN_KEY) ?? "") : "";

// Where this page keeps what survives a reload; may throw where the browser allows no storage.
export function shelf() {
  return isEmbedded ? sessionStorage : localStorage;
}

// How a request shows whose it is.
export function access() {
  if (!isEmbedded) return { credentials: "same-origin", headers: {} };
  return { credentials: "omit", headers: token ? { Authorization: `Bearer ${token}` } : {} };
}

// A new session's token; "" forgets it.
export function keepToken(fresh) {
  if (!isEmbedded) return;
  token = fresh;
  try {
    if (token) sessionStorage.setItem(TOKEN_KEY, token);
    else sessionStorage.removeItem(TOKEN_KEY);
  } catch { /* no storage here: it lives as long as the page */ }
}

function hasStorage() {
  try {
    sessionStorage.setItem(TOKEN_KEY, sessionStorage.getItem(TOKEN_KEY) ?? "");
    return true;
  } catch {
    return false;
  }
}

// A word to widget.js around us: ready, news. Any address will do: only sites that may frame us can be there.
export function tell(what, more = {}) {
  if (isEmbedded && window.parent !== window) window.parent.postMessage({ xindeng: what, ...more }, "*");
}

// Quick leave: the widget leaves the page that we are on; where it does not answer, we try ourselves.
export function goTo(address) {
  if (window.parent === window) return location.replace(address);
  tell("leave", { to: address });
  return setTimeout(() => window.top.location.replace(address), 300);
}
