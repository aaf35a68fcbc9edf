// The e-mails that arrived, whoever they are for.
import { copy, element, make, when } from "./elements.js";

let shown = "[]";

/** Newest first. It is redrawn only when something arrived, so that no button is replaced while somebody presses it. */
export function showMailbox(mails) {
  const now = JSON.stringify(mails);
  if (now === shown) return;
  shown = now;
  element("mailbox").hidden = mails.length === 0;
  element("mails").replaceChildren(...mails.map((mail) => make("li", {}, make("div", { class: "grow" },
    make("b", {}, mail.subject), make("br"), make("span", { class: "quiet" }, `${mail.address} · ${when(mail.at)}`),
    make("p", {}, mail.body), copy(mail.code)))));
}
