// The mailbox: the e-mails that arrived, whoever they are for.
import { copy, element, icon, make, when } from "./elements.js";

/** The items in the list, by the id of their e-mail. */
const items = new Map();

/** Shows e-mails, newest first. Items that are there stay in place: an open one stays open, and its frame doesn't load again. */
export function showMailbox(mails) {
  element("no-mails").hidden = mails.length > 0;
  const ids = new Set(mails.map(({ id }) => id));
  for (const [id, item] of items) {
    if (ids.has(id)) continue;
    item.remove();
    items.delete(id);
  }
  for (const mail of mails.toReversed()) {
    if (items.has(mail.id)) continue;
    const item = make("li", {}, mailItem(mail));
    items.set(mail.id, item);
    element("mails").prepend(item);
  }
}

const subjectOf = (mail) => mail.subject || "(no subject)";

function mailItem(mail) {
  const line = (label, value) => make("span", { class: "quiet" }, `${label} `, make("bdi", {}, value));
  const head = make("span", { class: "row" },
    make("b", { class: "grow", dir: "auto" }, subjectOf(mail)), make("time", { class: "quiet", datetime: mail.at }, when(mail.at)));
  const summary = make("summary", {}, icon("open"), make("span", {}, head, line("To", mail.to), line("From", mail.from)));
  const details = make("details", {
    class: "mail",
    // Built when it is first opened: a frame for each e-mail in the list would be slow.
    ontoggle: () => { if (details.open && details.childElementCount === 1) details.append(content(mail)); },
  }, summary);
  return details;
}

/** The text and the HTML of an e-mail, with a switch where it has both. */
function content(mail) {
  const parts = [];
  if (mail.text.trim()) parts.push(["Text", make("pre", { dir: "auto" }, ...withLinks(mail.text.trimEnd()))]);
  if (mail.html) parts.push(["HTML", frame(mail)]);
  const buttons = parts.map(([name], at) => make("button", { type: "button", onclick: () => choose(at) }, name));
  const choose = (chosen) => {
    for (const [at, [, part]] of parts.entries()) {
      part.hidden = at !== chosen;
      buttons[at].setAttribute("aria-pressed", String(at === chosen));
    }
  };
  choose(0);
  return make("div", {},
    parts.length > 1 ? make("div", { class: "views", role: "group", "aria-label": "Show as" }, ...buttons) : undefined,
    ...parts.map(([, part]) => part),
    mail.code ? copy(mail.code) : undefined);
}

/** What precedes the HTML: links open in a new tab, and images that aren't in the e-mail would leave this computer. */
const HEAD = '<base target="_blank"><meta http-equiv="Content-Security-Policy" content="img-src data:">';

/** The HTML in a frame without scripts and without access to this page. */
function frame(mail) {
  return make("iframe", {
    title: subjectOf(mail), sandbox: "allow-popups allow-popups-to-escape-sandbox", referrerpolicy: "no-referrer",
    srcdoc: HEAD + mail.html,
  });
}

/** A text, its addresses as links. */
function withLinks(text) {
  // What ends a sentence or closes a bracket behind an address is no part of it.
  return text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,:;!?)\]’”])/).map((part, at) => at % 2 === 0 ? part
    : make("a", { href: part, target: "_blank", rel: "noopener" }, part, make("span", { class: "hide" }, " (new tab)")));
}
