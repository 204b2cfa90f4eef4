// Talks to the server: JSON reads, form posts with the session's token, and what a refusal says.

const csrf = () => document.querySelector('meta[name="csrf"]')?.content ?? "";
const TIMEOUT_MS = 12_000;

// The session has ended; the page keeps what was typed and asks to sign in again.
export class SignedOut extends Error {}

// The server said no, in words for the counsellor. `again`: worth another try (network, 5xx).
export class Refused extends Error {
  constructor(words, status) {
    super(words);
    this.status = status;
    this.fields = {}; // name -> what is wrong there
    this.again = status === 0 || status === 429 || status >= 500;
  }
}

let skew_ms = 0; // server clock minus this computer's
let measured = false;

// The server's time: a computer with a wrong clock must not show a wrong waiting time.
export const now = () => Date.now() + skew_ms;

function learnClock(response) {
  const said = Date.parse(response.headers.get("Date") ?? "");
  if (Number.isNaN(said)) return;
  const skew = said + 500 - Date.now(); // the header has whole seconds
  if (!measured || Math.abs(skew - skew_ms) > 1500) skew_ms = Math.abs(skew) > 1500 ? skew : 0;
  measured = true;
}

async function ask(url, options, timeout_ms = TIMEOUT_MS) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeout_ms);
  let response;
  try {
    response = await fetch(url, { ...options, signal: stop.signal, headers: { Accept: "application/json", ...options.headers } });
  } catch {
    throw new Refused("网络不通，没有送到服务器", 0);
  } finally {
    clearTimeout(timer);
  }
  learnClock(response);
  const isJson = (response.headers.get("Content-Type") ?? "").includes("json");
  if (response.status === 401 || (response.redirected && !isJson)) throw new SignedOut("登录已失效，请重新登录");
  const body = isJson ? await response.json().catch(() => null) : null;
  if (response.ok && body) return body;
  const words = typeof body?.detail === "string" ? body.detail : `服务器没有接受（${response.status}）`;
  const refused = new Refused(words, response.ok ? 502 : response.status);
  refused.fields = body?.errors ?? {};
  throw refused;
}

export const getJson = (url, timeout_ms = TIMEOUT_MS) => ask(url, { method: "GET", cache: "no-store" }, timeout_ms);

export const post = (url, fields = {}, timeout_ms = TIMEOUT_MS) => {
  const body = fields instanceof FormData ? fields : new URLSearchParams(fields);
  return ask(url, { method: "POST", body, headers: { "X-CSRF-Token": csrf() } }, timeout_ms);
};

// While somebody really works at this screen the session stays open; a console left alone still signs out.
export function onActivity(work, every_ms = 120_000) {
  let last = Date.now();
  const act = () => {
    if (Date.now() - last < every_ms) return;
    last = Date.now();
    work();
  };
  for (const kind of ["pointerdown", "keydown", "wheel"]) addEventListener(kind, act, { passive: true });
}

// What is typed leaves this tab when the counsellor signs out; the server keeps it for them (drafts.js).
document.getElementById("sign-out")?.addEventListener("submit", () => sessionStorage.clear());
