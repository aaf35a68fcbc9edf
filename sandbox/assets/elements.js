// Elements of the phone page.

export const element = (id) => document.getElementById(id);
const icons = {
  check: '<path d="m4 10.5 4 4 8-9"/>',
  cross: '<path d="m5 5 10 10M15 5 5 15"/>',
  clock: '<circle cx="10" cy="10" r="7.5"/><path d="M10 5.5V10l3 2"/>',
  open: '<path d="m8 5 5 5-5 5"/>',
  call: '<path d="M5 3h2.6l1.3 3.7-1.7 1.4a8.6 8.6 0 0 0 4.7 4.7l1.4-1.7 3.7 1.3V15a2 2 0 0 1-2 2C8.9 17 3 11.1 3 5a2 2 0 0 1 2-2z"/>',
};
export const SVG = "http://www.w3.org/2000/svg";

/** Creates an element. Strings are inserted as text, so that nothing an app sends is read as markup. */
export function make(name, attributes = {}, ...children) {
  const created = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) created.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) created.setAttribute(key, value === true ? "" : value);
  }
  created.append(...children.filter((child) => child !== undefined && child !== null));
  return created;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML = icons[name];
  return svg;
}

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long" });
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
export function when(text) {
  const at = new Date(text);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86400000);
  const name = days === 0 ? "Today" : days === 1 ? "Yesterday" : day.format(at);
  return `${name}, ${time.format(at)}`;
}

/** A link that copies a code. */
export function copy(code) {
  return make("button", { class: "link", type: "button", "data-key": `copy-${code}`, onclick: async (event) => {
    const button = event.currentTarget;
    await navigator.clipboard?.writeText(code);
    button.textContent = "Copied";
  } }, "Copy code");
}
