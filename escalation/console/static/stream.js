// One event stream for the whole browser: the tab that holds the lock listens and passes rows on to the others,
// because a browser allows only six connections to a host. Silence counts as loss: a dead line is noticed and redrawn.

import { getJson, SignedOut } from "./http.js";
import { countLate } from "./late.js";
import { showLost } from "./lost.js";

const SILENCE_MS = 40_000; // the server speaks at least every 15 s
const LONGEST_WAIT_MS = 15_000;

// Parts of the header hear of it without knowing the page.
const announce = (name, detail = null) => document.dispatchEvent(new CustomEvent(name, { detail }));

// `on`: row(values), lost() when words did not arrive or were dealt with (where the page asks), resync() after every (re)connection, state("live" | "lost" | "out").
export function openStream(cursor, on) {
  const shares = "BroadcastChannel" in window && "locks" in navigator;
  const channel = shares ? new BroadcastChannel("xindeng-console") : null;
  let last = cursor;
  let source = null;
  let state = "";
  let leads = false;
  let failures = 0;
  let heard_at = Date.now();
  let timer = 0;
  let giveUpLock = () => {};

  function setState(next) {
    if (state === next || state === "out") return;
    state = next;
    on.state(next);
    if (next !== "live") return;
    on.resync();
    countLate();
    announce("desk-people");
  }

  // Something was heard, by this tab or by the one that listens for all.
  function take(heard) {
    if (heard.kind === "who") {
      if (leads && state) channel.postMessage({ kind: "state", value: state });
      return;
    }
    if (heard.kind === "check") {
      check();
      return;
    }
    heard_at = Date.now();
    if (heard.kind === "row") {
      last = heard.id || last;
      on.row(heard.row);
      if (heard.row.what.startsWith("follow_up")) countLate();
      announce("desk-row", heard.row);
    } else if (heard.kind === "behind") { // more was missed than is told one by one
      last = heard.id || last;
      on.resync();
      countLate();
      announce("desk-people");
    } else if (heard.kind === "people") {
      last = heard.id || last;
      announce("desk-people");
    } else if (heard.kind === "undelivered") {
      last = heard.id || last;
      showLost(heard.count);
      on.lost?.();
    } else if (heard.kind === "state") setState(heard.value);
  }

  function tell(heard) {
    channel?.postMessage(heard);
    take(heard);
  }

  function open() {
    clearTimeout(timer);
    source?.close();
    heard_at = Date.now();
    source = new EventSource(`/console/events?after=${encodeURIComponent(last)}`);
    source.addEventListener("open", () => {
      failures = 0;
      tell({ kind: "state", value: "live" });
    });
    source.addEventListener("beat", () => tell({ kind: "state", value: "live" }));
    source.addEventListener("row", (event) => tell({ kind: "row", id: event.lastEventId, row: JSON.parse(event.data) }));
    source.addEventListener("people", (event) => tell({ kind: "people", id: event.lastEventId }));
    source.addEventListener("behind", (event) => tell({ kind: "behind", id: event.lastEventId }));
    source.addEventListener("undelivered", (event) => {
      tell({ kind: "undelivered", id: event.lastEventId, count: JSON.parse(event.data).undelivered });
    });
    source.addEventListener("signed_out", signOut);
    source.addEventListener("error", () => {
      tell({ kind: "state", value: "lost" });
      if (source.readyState === EventSource.CLOSED && state !== "out") again(); // an HTTP refusal: the browser would not try again
    });
  }

  function again() {
    clearTimeout(timer);
    failures += 1;
    const wait_ms = Math.min(1000 * 2 ** Math.min(failures, 4), LONGEST_WAIT_MS);
    timer = setTimeout(open, wait_ms * (0.5 + Math.random() / 2));
    check();
  }

  // Is this tab still signed in? Another tab may have been signed in anew meanwhile, so each asks for itself.
  async function check() {
    try {
      await getJson("/console/queue.json");
    } catch (error) {
      if (error instanceof SignedOut) signOut();
    }
  }

  function signOut() {
    if (state === "out") return;
    clearTimeout(timer);
    source?.close();
    leads = false;
    giveUpLock();
    setState("out");
    channel?.postMessage({ kind: "check" });
  }

  function lead() {
    if (state === "out") return null;
    leads = true;
    open();
    return new Promise((resolve) => (giveUpLock = resolve)); // holds the lock until this tab closes
  }

  setInterval(() => {
    if (state === "out" || Date.now() - heard_at < SILENCE_MS) return;
    setState("lost");
    leads = true; // whoever should listen is silent: listen ourselves
    open();
  }, 5000);
  addEventListener("online", () => leads && state === "lost" && open());
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  if (!channel) lead();
  else {
    channel.addEventListener("message", (event) => take(event.data));
    channel.postMessage({ kind: "who" });
    navigator.locks.request("xindeng-console-stream", lead);
  }
}
