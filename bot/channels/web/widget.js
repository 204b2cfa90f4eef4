// One script line puts the hotline on another site's page: a round button that opens our chat in a frame of our own
// origin. It lives under that site's rules: no inline code or style, nothing is loaded but the frame, and that only
// when the button is pressed. Until the frame speaks, the numbers to call stand in its place.

(() => {
  const DIALS = {{ dials | tojson }};
  const ORIGIN = new URL(document.currentScript.src).origin;
  const NAME = "xindeng-widget";
  const OPEN_KEY = "xindeng.open";
  const LABEL = "心理援助";
  const DIALOGUE = "心理援助在线对话";
  const STYLE = `
    :host { all: initial !important; color-scheme: light dark !important; --ground: #fff; --words: #1c2b29;
      --line: #c3d0cc; --accent: #24655d; --on-accent: #fff; --urgent: #a8322a; --focus: #0b57d0; }
    @media (prefers-color-scheme: dark) {
      :host { --ground: #1a2423; --words: #e4ecea; --line: #3a4a47; --accent: #8fd0c3; --on-accent: #0c211d;
        --urgent: #f0a59c; --focus: #a8c7ff; }
    }
    * { box-sizing: border-box; font: 16px/1.4 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
    [hidden] { display: none !important; }
    button { cursor: pointer; touch-action: manipulation; }
    :focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
    .open { position: fixed; right: calc(16px + env(safe-area-inset-right)); bottom: calc(16px + env(safe-area-inset-bottom));
      z-index: 2147483646; width: 68px; height: 68px; padding: 0; border: 2px solid var(--on-accent); border-radius: 50%;
      background: var(--accent); color: var(--on-accent); font-weight: 600; line-height: 1.2; white-space: pre-line;
      box-shadow: 0 2px 10px rgb(0 0 0 / 35%); }
    .open.news::after { content: ""; position: absolute; top: 0; right: 0; width: 18px; height: 18px; border-radius: 50%;
      border: 2px solid var(--ground); background: var(--urgent); }
    .panel { position: fixed; right: 16px; bottom: 16px; z-index: 2147483647; display: flex; flex-direction: column;
      width: min(400px, 100vw - 32px); height: min(700px, 100vh - 32px); overflow: hidden; border: 1px solid var(--line);
      border-radius: 16px; background: var(--ground); color: var(--words); box-shadow: 0 4px 24px rgb(0 0 0 / 35%); }
    .bar { flex: none; display: flex; align-items: center; justify-content: space-between; min-height: 48px;
      padding: 0 8px 0 16px; border-bottom: 1px solid var(--line); }
    .bar strong { font-weight: 600; }
    .close { min-height: 40px; padding: 0 14px; border: 1px solid var(--line); border-radius: 10px;
      background: transparent; color: var(--accent); }
    .wait { padding: 16px; }
    .wait a { display: block; margin: 8px 0; padding: 12px 16px; border: 1px solid var(--urgent); border-radius: 12px;
      color: var(--urgent); font-size: 20px; font-weight: 600; text-decoration: none; }
    iframe { flex: 1; min-height: 0; width: 100%; border: 0; }
    iframe.silent { position: absolute; visibility: hidden; }
    @media (max-width: 600px) {
      .panel { top: var(--top, 0px); right: 0; bottom: auto; width: 100%; height: var(--height, 100%); border: 0;
        border-radius: 0; }
    }
    @media (prefers-reduced-motion: no-preference) {
      .panel { animation: rise 0.15s ease-out; }
      @keyframes rise { from { opacity: 0; transform: translateY(12px); } }
    }
    @media (forced-colors: active) { .open, .panel { border: 2px solid ButtonText; } }
    @media print { .open, .panel { display: none; } }
  `;

  function element(kind, fields = {}, children = []) {
    const made = Object.assign(document.createElement(kind), fields);
    made.append(...children);
    return made;
  }

  // What this tab remembers: that the conversation was open when the person went to the site's next page.
  function remember(isOpen) {
    try {
      if (isOpen) sessionStorage.setItem(OPEN_KEY, "1");
      else sessionStorage.removeItem(OPEN_KEY);
    } catch { /* no storage here: on the next page it begins closed */ }
  }

  function wasOpen() {
    try {
      return sessionStorage.getItem(OPEN_KEY) !== null;
    } catch {
      return false;
    }
  }

  const opener = element("button", { type: "button", className: "open", textContent: "心理\n援助" });
  const closer = element("button", { type: "button", className: "close", textContent: "收起" });
  const dials = DIALS.map(([number, what]) => element("a", { href: `tel:${number}`, textContent: `${number} ${what}` }));
  const wait = element("div", { className: "wait" }, ["正在打开对话。紧急情况或一时打不开，请直接拨打：", ...dials]);
  const panel = element("section", { className: "panel", hidden: true }, [
    element("div", { className: "bar" }, [element("strong", { textContent: LABEL }), closer]), wait,
  ]);
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", DIALOGUE);
  opener.setAttribute("aria-haspopup", "dialog");
  let frame = null;
  let keeps = false; // does the conversation outlive this page; where it does not, the next one begins closed

  function show(isOpen) {
    if (isOpen && !frame) {
      frame = element("iframe", { className: "silent", title: DIALOGUE, referrerPolicy: "no-referrer", src: `${ORIGIN}/embed` });
      panel.append(frame);
    }
    panel.hidden = !isOpen;
    opener.hidden = isOpen;
    tellNews(false);
    remember(isOpen && keeps);
  }

  function tellNews(isThere) {
    opener.classList.toggle("news", isThere);
    opener.setAttribute("aria-label", isThere ? `${LABEL}，有新消息` : LABEL);
  }

  // A phone's keyboard lies over the page: a full panel becomes as high as what is left.
  function fit({ height, offsetTop }) {
    panel.style.setProperty("--height", `${height}px`);
    panel.style.setProperty("--top", `${offsetTop}px`);
  }

  function hear({ source, origin, data }) {
    if (origin !== ORIGIN || !frame || source !== frame.contentWindow) return;
    if (data.xindeng === "ready") {
      wait.hidden = true;
      keeps = data.keeps;
      remember(keeps && !panel.hidden);
      frame.classList.remove("silent");
    }
    if (data.xindeng === "news" && panel.hidden) tellNews(true);
    if (data.xindeng === "leave" && /^https?:/.test(data.to)) {
      remember(false);
      host.remove();
      window.removeEventListener("message", hear);
      location.replace(data.to);
    }
  }

  const host = element(NAME, { lang: "zh-CN" });
  function start() {
    if (document.querySelector(NAME)) return; // the line stands there twice
    const root = host.attachShadow({ mode: "open" });
    if ("adoptedStyleSheets" in root) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    } else root.append(element("style", { textContent: STYLE }));
    root.append(opener, panel);
    document.body.append(host);
    opener.addEventListener("click", () => { show(true); frame.focus(); });
    closer.addEventListener("click", () => { show(false); opener.focus(); });
    window.addEventListener("message", hear);
    for (const what of ["resize", "scroll"]) {
      window.visualViewport?.addEventListener(what, ({ currentTarget }) => fit(currentTarget));
    }
    show(wasOpen());
  }

  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
})();
