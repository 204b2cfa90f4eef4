// One request to the server that always ends: with a status and what was in the body, or with status 0.

const PATIENCE_S = 20;

export async function request(method, path, { body, keepalive = false } = {}) {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), PATIENCE_S * 1000);
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  try {
    const answer = await fetch(path, {
      method, body, headers, keepalive, signal: giveUp.signal, cache: "no-store", credentials: "same-origin",
    });
    const isJson = (answer.headers.get("content-type") ?? "").includes("json");
    return { status: answer.status, body: isJson ? await answer.json() : null };
  } catch {
    return { status: 0, body: null };
  } finally {
    clearTimeout(timer);
  }
}
