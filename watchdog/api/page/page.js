// Renders the page again every two seconds: fetches it, and puts what changed in
// place of what is there. Says so when it cannot, since an old page that looks
// alive is worse than none.
"use strict";

const period = 2000;
const periodHidden = 10000;
const patience = 5000;
let refreshed = new Date();
let said = document.querySelector("[data-say]")?.textContent;

function selecting(part) {
  const selection = getSelection();
  return !selection.isCollapsed && part.contains(selection.anchorNode);
}

function put(part, next) {
  if (part.innerHTML === next.innerHTML || selecting(part)) return;
  const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  part.replaceChildren(...next.childNodes);
  if (focused) part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function say(next) {
  const text = next.querySelector("[data-say]")?.textContent;
  if (!text || text === said) return;
  said = text;
  document.getElementById("said").textContent = text;
}

function lost(why) {
  const box = document.getElementById("lost");
  const since = refreshed.toISOString().slice(11, 19);
  box.textContent = `This page is as of ${since} UTC and may be old: ${why}.`;
  box.hidden = false;
}

async function refresh() {
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(patience) });
    if (!answer.ok) {
      lost(`feedwatch answers ${answer.status}`);
      return;
    }
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = next.getElementById(part.id);
      if (fresh) put(part, fresh);
    }
    say(next);
    document.title = next.title;
    refreshed = new Date();
    document.getElementById("lost").hidden = true;
  } catch {
    lost("feedwatch cannot be reached");
  }
}

// Who types a name and a token into one form need not do so in the next.
document.addEventListener("input", ({ target }) => {
  if (target.name !== "by" && target.name !== "token") return;
  for (const other of document.querySelectorAll(`input[name="${target.name}"]`)) other.value = target.value;
});

async function run() {
  for (;;) {
    await new Promise((wake) => setTimeout(wake, document.hidden ? periodHidden : period));
    await refresh();
  }
}

run();
