"use strict";
// Keeps an open page up to date. The server says that something changed; we fetch the page again and take over
// what differs, node by node, so that focus, open details and what somebody is entering stay as they are.
// Without this script the pages work the same, and show what was true when they were opened.

const page = document.body.dataset.page;
const events = document.body.dataset.events;
const pulse = document.getElementById("pulse");
const PAUSE = 400; // ms between two looks, however much happens

const RETRY = 3000; // ms until a stream that was refused is tried again

let source = null;
let looking = false;
let again = false;

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    const today = moment.toDateString() === new Date().toDateString();
    const form = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
    time.textContent = new Intl.DateTimeFormat(navigator.language, form).format(moment);
  }
}

function changed(control) {
  if (control instanceof HTMLSelectElement) {
    const given = [...control.options].findIndex((option) => option.defaultSelected);
    return control.selectedIndex !== Math.max(given, 0);
  }
  return "defaultValue" in control && control.type !== "hidden" && control.value !== control.defaultValue;
}

// Somebody is busy with this form, or it shows why it was refused.
function inUse(form) {
  if ("keep" in form.dataset) return true;
  const active = document.activeElement;
  if (active instanceof HTMLElement && form.contains(active) && active.tagName !== "BUTTON") return true;
  return [...form.elements].some(changed);
}

function holdsWork(node) {
  if (!(node instanceof Element)) return false;
  if (node instanceof HTMLFormElement) return inUse(node);
  return [...node.querySelectorAll("form")].some(inUse);
}

// What tells a node from its neighbours: a section that appears must not be taken for the one that stood there.
function key(node) {
  return node instanceof Element ? node.id || node.getAttribute("aria-labelledby") || "" : "";
}

function same(old, fresh) {
  return old.nodeName === fresh.nodeName && key(old) === key(fresh);
}

function take(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old instanceof HTMLFormElement && inUse(old)) return;
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(name === "open" && old.tagName === "DETAILS")) old.removeAttribute(name);
  }
  takeChildren(old, fresh);
}

function takeChildren(old, fresh) {
  const named = new Map([...old.children].filter(key).map((child) => [key(child), child]));
  let here = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    let match = key(next) ? named.get(key(next)) : null;
    if (!match && here && !key(here) && same(here, next)) match = here;
    if (match && same(match, next)) {
      if (match === here) here = here.nextSibling;
      else old.insertBefore(match, here);
      take(match, next);
    } else {
      old.insertBefore(document.importNode(next, true), here);
    }
  }
  while (here) {
    const rest = here.nextSibling;
    if (!holdsWork(here)) here.remove();
    here = rest;
  }
}

async function look() {
  if (looking) {
    again = true;
    return;
  }
  looking = true;
  try {
    do {
      again = false;
      const answer = await fetch(page, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (answer.redirected) {
        location.href = page; // the session is over: this leads to the door, and back here
        return;
      }
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        localise(fresh);
        const main = fresh.getElementById("main");
        if (main) take(document.getElementById("main"), main);
        document.title = fresh.title;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    } while (again);
  } catch {
    // No answer: the stream's own reconnection will say when there is one again.
  } finally {
    looking = false;
  }
}

function show(lost) {
  pulse.hidden = false;
  pulse.classList.toggle("lost", lost);
  const text = lost ? "reconnecting" : "live";
  if (pulse.textContent !== text) pulse.textContent = text;
}

// A refusal ends a stream for good: the session is over, which a look finds out, or the server was not all there.
function retry() {
  if (document.hidden) return;
  look();
  open();
}

function open() {
  if (source && source.readyState !== EventSource.CLOSED) return;
  source = new EventSource(events);
  source.addEventListener("hello", () => {
    show(false);
    look();
  });
  source.addEventListener("news", look);
  source.addEventListener("error", () => {
    show(true);
    if (source.readyState === EventSource.CLOSED) setTimeout(retry, RETRY);
  });
}

// What was sent keeps its number until the answer is here: sent again, by a second click, it is done once.
document.addEventListener("submit", (event) => {
  event.target.dataset.keep = "";
});

localise(document);
if (page && events && "EventSource" in window) {
  // A hidden page holds no connection: browsers allow few for one server.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      source?.close();
    } else {
      open();
    }
  });
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) open();
  });
  if (!document.hidden) open();
}
