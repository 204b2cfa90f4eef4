// Requests to the server. Each ends with a status and what was in the body, or with status 0; one that is refused for
// lack of a session opens a new one and is repeated once.

import { access, keepToken } from "./frame.js";

const PATIENCE_S = 10;

let session = 0;
let opening = null;
let onNewSession = () => {};

export function whenSessionIsNew(listener) {
  onNewSession = listener;
}

// `path` may be a function: a new session can change what is asked for.
export async function call(method, path, options = {}) {
  const before = session;
  const answer = await request(method, path, options);
  if (answer.status !== 401 || options.isFinal) return answer;
  if (session === before && !(await open())) return answer;
  return request(method, path, options);
}

function open() {
  opening ??= request("POST", "/api/chat/sessions").then(({ status, body }) => {
    opening = null;
    if (status !== 201) return false;
    keepToken(body.token);
    session += 1;
    onNewSession();
    return true;
  });
  return opening;
}

async function request(method, path, { body, keepalive = false } = {}) {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), PATIENCE_S * 1000);
  const { credentials, headers } = access();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    const answer = await fetch(typeof path === "function" ? path() : path, {
      method, body, headers, keepalive, signal: giveUp.signal, cache: "no-store", credentials,
    });
    const isJson = (answer.headers.get("content-type") ?? "").includes("json");
    return { status: answer.status, body: isJson ? await answer.json() : null };
  } catch {
    return { status: 0, body: null };
  } finally {
    clearTimeout(timer);
  }
}
