// The phone page: reads /_sandbox/phones and /_sandbox/mail whenever the sandbox reports a change.
import { copy, element, icon, make, SVG, when } from "./elements.js";
import { showMailbox } from "./mailbox.js";

/** Paths of the two halves of the disc for a number from 0 to 99, as the app's page draws them. */
function discHalves(number) {
  let hash = Math.imul(number + 49, 2654435761) >>> 0;
  const rows = [];
  for (let at = 0; at < 7; at += 1) {
    const step = [-20, -10, 10, 20][hash & 3];
    rows.push(rows[at - 1] === step ? -step : step);
    hash = ((hash >>> 2) ^ (hash << 13)) >>> 0;
  }
  return [-1, 1].map((side) => {
    const x = rows.map((row) => row + 3 * side);
    const rim = (at) => Math.sqrt(68 * 68 - at * at);
    const large = side * (x[0] + x[6]) < 0 ? 1 : 0;
    let path = `M${100 + x[0]} ${100 - rim(x[0])}A68 68 0 ${large} ${side > 0 ? 1 : 0} ${100 + x[6]} ${100 + rim(x[6])}`;
    const edges = [-0.66, -0.4, -0.14, 0.14, 0.4, 0.66];
    for (let at = 5; at >= 0; at -= 1) {
      const gap = side * (x[at] - x[at + 1]) < 0 ? -3 : 3;
      path += `V${100 + 68 * edges[at] + gap}H${100 + x[at]}`;
    }
    return `${path}Z`;
  });
}

/** A ring that shows the share of `lifetime` (ms) left until `ends`, a time of performance.now(). */
function ring(ends, lifetime, number) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "life");
  svg.setAttribute("viewBox", "0 0 200 200");
  svg.setAttribute("aria-hidden", "true");
  if (number !== undefined) svg.setAttribute("data-half", "hold");
  const halves = number === undefined ? ["", ""] : discHalves(number);
  svg.innerHTML =
    '<circle cx="100" cy="100" r="94"/><circle class="left" cx="100" cy="100" r="94" pathLength="100" transform="rotate(-90 100 100)"/>' +
    (number === undefined ? "" : `<path class="know" d="${halves[0]}"/><path class="hold" d="${halves[1]}"/>`);
  timers.push(() => svg.style.setProperty("--left", Math.max(0, (ends - performance.now()) / lifetime)));
  return svg;
}

const secondsUntil = (ends) => Math.max(0, Math.ceil((ends - performance.now()) / 1000));
const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

function countdown(ends) {
  const text = make("span", { class: "num" });
  timers.push(() => (text.textContent = minutes(secondsUntil(ends))));
  return text;
}

/** How long a phone rings, in milliseconds. */
const RINGING_MS = 25_000;

/**
 * `loaded`: when `phones` was loaded, by performance.now(). `announced`: what a screen reader was told.
 * `calls`: the outcome of each call that was answered or declined. `saving`: changes of the switches
 * that are not in `phones` yet.
 */
const state = { phones: [], chosen: undefined, loaded: 0, announced: new Set(), calls: new Map(), saving: 0 };
/** Run every second; `draw` collects those of the part that is being built. */
let timers = [];

const pending = (phone) => phone.approvalRequests.filter((request) => request.status === "pending");
const chosen = () => state.phones.find((phone) => phone.phone === state.chosen);

/** The load that waits for the running one to end, and the last one that was started. */
let queuedLoad;
let lastLoad = Promise.resolve();

/**
 * Loads the phones and shows them. One load runs at a time, so that an older response never replaces a
 * newer one; calls made while one runs share the next.
 */
function load() {
  const start = () => {
    queuedLoad = undefined;
    return loadNow();
  };
  queuedLoad ??= lastLoad = lastLoad.then(start, start);
  return queuedLoad;
}

async function loadNow() {
  try {
    const read = async (path) => (await fetch(`/_sandbox/${path}`, { signal: AbortSignal.timeout(30_000) })).json();
    const [{ phones }, { mails }] = await Promise.all([read("phones"), read("mail")]);
    state.phones = phones;
    showMailbox(mails);
    state.loaded = performance.now();
    element("lost").hidden = true;
  } catch {
    element("lost").hidden = false;
    setTimeout(load, 1000);
    return;
  }
  if (!chosen()) state.chosen = state.phones[0]?.phone;
  // Shows a phone with a pending request or a call, unless the chosen one has one.
  const isBusy = (phone) => pending(phone).length + ringing(phone).length > 0;
  const busy = state.phones.find(isBusy);
  if (busy && !isBusy(chosen())) state.chosen = busy.phone;
  show();
}

/** Parts of the page. Each is redrawn only when its data change, so that a button is not replaced
 *  while somebody presses it. */
const parts = new Map();
function draw(id, data, build) {
  const drawn = JSON.stringify(data);
  if (parts.get(id)?.drawn === drawn) return;
  const focused = document.activeElement?.dataset?.key;
  timers = [];
  element(id).replaceChildren(...[build()].flat());
  parts.set(id, { drawn, timers });
  if (focused) document.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

function show() {
  const phone = chosen();
  element("nobody").hidden = state.phones.length > 0;
  draw("phones", [state.chosen, state.phones.map((one) => [one.written, one.email, one.authyApp, pending(one).length])], () => state.phones.map(phoneItem));
  element("device").hidden = element("switches").hidden = !phone;
  if (phone) {
    element("number").textContent = phone.written;
    element("owner").textContent = phone.email ?? "Nobody is enrolled with this number";
    // While a change is being saved, `phone` may still have the old values.
    if (state.saving === 0) {
      element("installed").checked = phone.authyApp;
      element("reachable").checked = phone.reachable;
    }
    const withoutTime = phone.approvalRequests.map(({ expiresInMs, ...request }) => request);
    draw("p-requests", [phone.authyApp, withoutTime], () => requests(phone));
    const texts = phone.messages.filter(({ via }) => via !== "call");
    const received = phone.messages.filter(({ via }) => via === "call");
    draw("p-messages", texts.map(({ at, via, body }) => [at, via, body]), () => messages(texts.toReversed()));
    draw("p-calls", received.map((call) => [call.at, callState(phone, call)]), () => calls(phone, received));
    count("t-requests", pending(phone).length);
    count("t-calls", ringing(phone).length);
    draw("p-token", [phone.softToken, phone.authyApp], () => token(phone));
    announce(phone);
  }
  tick();
}

function phoneItem(phone) {
  const count = pending(phone).length;
  const badge = count > 0 ? make("span", { class: "badge" }, `${count} waiting`)
    : phone.authyApp ? undefined : make("span", { class: "badge wait" }, "No app");
  return make("li", {}, make("button", {
    class: "choice", type: "button", "data-key": phone.phone, "aria-pressed": String(phone.phone === state.chosen),
    onclick: () => { state.chosen = phone.phone; show(); },
  }, make("span", {}, make("b", { class: "num" }, phone.written), make("br"), make("span", { class: "quiet" }, phone.email ?? "Nobody yet")), badge));
}

const empty = (text) => make("p", { class: "quiet" }, text);

function requests(phone) {
  const open = pending(phone);
  const closed = phone.approvalRequests.filter((request) => request.status !== "pending");
  const stack = make("div", { class: "stack" }, ...open.map(requestCard));
  if (open.length === 0) stack.append(empty(phone.authyApp ? "No request is waiting." : "The app is not installed, so no request can arrive."));
  if (closed.length > 0) {
    stack.append(make("div", { class: "stack earlier" }, make("h2", {}, "Earlier"), make("ul", { class: "list" }, ...closed.map(closedRequest))));
  }
  return stack;
}

function requestCard(request) {
  // A number to compare with the page's, or one that the page has to be given.
  const { Number: compared, "Enter in browser": asked, ...details } = request.details;
  const number = asked ?? compared;
  const ends = state.loaded + (request.expiresInMs ?? 0);
  // The sandbox reports no change when a request expires.
  timers.push(() => { if (request.expiresAt && performance.now() > ends) load(); });
  const disc = /^\d{1,2}$/.test(number ?? "") ? Number(number) : undefined;
  const heading = make("div", {}, make("h2", {}, request.message),
    request.expiresAt ? make("p", { class: "quiet" }, countdown(ends), " left") : undefined);
  const answer = (verb) => async (event) => {
    event.currentTarget.setAttribute("aria-busy", "true");
    await fetch(`/_sandbox/approval-requests/${request.uuid}/${verb}`, { method: "POST" });
    await load();
  };
  return make("article", { class: "stack request", "data-state": "waiting" },
    make("div", { class: "row" }, request.expiresAt ? ring(ends, request.lifetimeMs, disc) : undefined, logo(request.logos), heading),
    number === undefined ? undefined : make("div", { class: "match", role: "group", "aria-label": "Match number" },
      make("b", { class: "figure num" }, number), make("p", { class: "quiet" }, asked ? "Enter this number in the browser." : "Does the browser show this number?")),
    facts(details), hiddenDetails(request.hiddenDetails),
    make("div", { class: "duo" },
      make("button", { class: "button stop", type: "button", "data-key": `deny-${request.uuid}`, onclick: answer("deny") }, "Deny"),
      make("button", { class: "button hold", type: "button", "data-key": `approve-${request.uuid}`, onclick: answer("approve") }, "Approve")));
}

const facts = (details) => make("dl", { class: "facts" }, ...Object.entries(details).map(([label, value]) =>
  make("div", {}, make("dt", {}, label), make("dd", {}, String(value)))));

/** The logo of the best resolution; none if it cannot be loaded. */
function logo(logos) {
  const { url } = ["high", "med", "default", "low"].map((res) => logos.find((one) => one.res === res)).find(Boolean) ?? {};
  if (!url) return undefined;
  return make("img", { class: "logo", src: url, alt: "", width: "48", height: "48", referrerpolicy: "no-referrer", onerror: (event) => event.currentTarget.remove() });
}

/** Hidden details, which a real phone does not show. */
function hiddenDetails(details) {
  if (Object.keys(details).length === 0) return undefined;
  return make("details", {}, make("summary", { class: "quiet" }, "Hidden details: kept with the request, not shown on a real phone"), facts(details));
}

function closedRequest(request) {
  const [kind, sign, word] = { approved: ["badge", "check", "Approved"], denied: ["badge stop", "cross", "Denied"] }[request.status] ?? ["badge wait", "clock", "Expired"];
  return make("li", {}, make("div", { class: "grow" }, request.message, make("br"), make("span", { class: "quiet" }, when(request.createdAt))),
    make("span", { class: kind }, icon(sign), word));
}

/** A text message, its code emphasized. */
function messageBody(message) {
  const [before, after] = message.code ? message.body.split(message.code) : [message.body];
  return make("p", { class: "notice" }, before, message.code ? make("b", { class: "num" }, message.code) : undefined, after);
}

/** The text messages as a thread, the newest at the end. */
function messages(texts) {
  if (texts.length === 0) return empty("No texts yet.");
  let previous;
  return make("ol", { class: "stack thread" }, ...texts.map((message, at) => {
    const label = when(message.at);
    const date = label === previous ? undefined : make("p", { class: "quiet" }, label);
    previous = label;
    const sender = message.via === "whatsapp" ? make("p", { class: "quiet" }, "WhatsApp") : undefined;
    return make("li", {}, date, sender, messageBody(message), at === texts.length - 1 && message.code ? copy(message.code) : undefined);
  }));
}

const callKey = (phone, call) => `${phone.phone} ${call.at}`;

/** `ringing` until the call is answered or declined, or `missed` after RINGING_MS. */
function callState(phone, call) {
  const outcome = state.calls.get(callKey(phone, call));
  if (outcome) return outcome;
  return call.ageMs + (performance.now() - state.loaded) < RINGING_MS ? "ringing" : "missed";
}

const ringing = (phone) => phone.messages.filter((message) => message.via === "call" && callState(phone, message) === "ringing");

function endCall(phone, call, outcome) {
  state.calls.set(callKey(phone, call), outcome);
  show();
  if (outcome === "answered") {
    element("announcement").textContent = call.body;
    if (element("aloud").checked) globalThis.speechSynthesis?.speak(new SpeechSynthesisUtterance(call.body));
  }
}

function calls(phone, received) {
  if (received.length === 0) return empty("No calls yet.");
  const stack = make("div", { class: "stack" });
  for (const call of received.filter((call) => callState(phone, call) === "ringing")) {
    timers.push(() => { if (callState(phone, call) !== "ringing") show(); });
    const key = callKey(phone, call);
    stack.append(make("article", { class: "stack request ringing", "data-state": "waiting" },
      make("div", { class: "row" }, icon("call"), make("div", {}, make("h2", {}, "Countersign is calling"), make("p", { class: "quiet" }, "The phone rings."))),
      make("div", { class: "duo" },
        make("button", { class: "button stop", type: "button", "data-key": `decline-${key}`, onclick: () => endCall(phone, call, "declined") }, "Decline"),
        make("button", { class: "button hold", type: "button", "data-key": `answer-${key}`, onclick: () => endCall(phone, call, "answered") }, "Answer"))));
  }
  const past = received.filter((call) => callState(phone, call) !== "ringing");
  if (past.length > 0) stack.append(make("ul", { class: "list" }, ...past.map((call) => pastCall(phone, call))));
  return stack;
}

function pastCall(phone, call) {
  const outcome = callState(phone, call);
  const word = { answered: "answered", declined: "declined" }[outcome] ?? "not answered";
  return make("li", {}, icon("call"), make("div", { class: "grow" },
    make("b", {}, "Countersign"), make("br"), make("span", { class: "quiet" }, `${when(call.at)} · ${word}`),
    outcome === "answered"
      ? make("p", { class: "notice" }, make("span", {}, `“${call.body}”`))
      : make("p", {}, make("button", { class: "link", type: "button", "data-key": `hear-${callKey(phone, call)}`, onclick: () => endCall(phone, call, "answered") }, "Listen to what was said"))));
}

/** Shows at a tab how many items wait. */
function count(id, number) {
  const tab = element(id);
  tab.querySelector(".count")?.remove();
  if (number > 0) tab.append(make("span", { class: "count" }, String(number), make("span", { class: "hide" }, " waiting")));
}

function token(phone) {
  if (!phone.softToken) return empty(phone.authyApp ? "Nobody is enrolled with this number." : "The app is not installed.");
  const ends = state.loaded + phone.softTokenExpiresInMs;
  const spaced = `${phone.softToken.slice(0, 3)} ${phone.softToken.slice(3)}`;
  timers.push(() => { if (performance.now() > ends) load(); });
  return make("div", { class: "stack" },
    make("div", { class: "token" }, ring(ends, phone.softTokenLifetimeMs), make("div", {}, make("p", { class: "quiet" }, "Countersign"),
      make("p", { class: "figure num" }, spaced), make("p", { class: "quiet" }, "new in ", countdown(ends)))),
    make("div", { class: "row" }, copy(phone.softToken)));
}

/** Announces new requests and calls to screen readers. */
function announce(phone) {
  for (const request of pending(phone)) {
    if (state.announced.has(request.uuid)) continue;
    state.announced.add(request.uuid);
    element("announcement").textContent = `New request: ${request.message}`;
  }
  for (const call of ringing(phone)) {
    if (state.announced.has(callKey(phone, call))) continue;
    state.announced.add(callKey(phone, call));
    element("announcement").textContent = "Countersign is calling.";
  }
}

function tick() {
  for (const part of parts.values()) for (const timer of part.timers) timer();
}

const tabs = [...document.querySelectorAll("[role=tab]")];
function select(tab, focus) {
  for (const other of tabs) {
    other.setAttribute("aria-selected", String(other === tab));
    other.tabIndex = other === tab ? 0 : -1;
    element(other.getAttribute("aria-controls")).hidden = other !== tab;
  }
  if (focus) tab.focus();
}
for (const [at, tab] of tabs.entries()) {
  tab.addEventListener("click", () => select(tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) select(tabs[(at + step + tabs.length) % tabs.length], true);
  });
}
const wanted = tabs.find((tab) => tab.id === `t-${location.hash.slice(1)}`);
if (wanted) select(wanted);

for (const id of ["installed", "reachable"]) {
  element(id).addEventListener("change", async () => {
    state.saving += 1;
    await fetch(`/_sandbox/phones/${encodeURIComponent(state.chosen)}`, {
      method: "PUT", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ authyApp: element("installed").checked, reachable: element("reachable").checked }),
    });
    await load();
    state.saving -= 1;
    show();
  });
}

const config = await (await fetch("/_sandbox/config")).json();
if (config.appUrl) {
  element("app").href = config.appUrl;
  element("app").hidden = false;
}
setInterval(tick, 1000);
// The browser reconnects by itself when the sandbox is back.
const changes = new EventSource("/_sandbox/events");
changes.onmessage = load;
changes.onerror = () => (element("lost").hidden = false);
await load();
