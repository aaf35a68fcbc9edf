// A server with its page and its sandbox, and a browser, for one test file.
import { createHmac } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { control, freePort, start } from "../conformance/start.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
export const PASSWORD = "notes on the engine";
/** The heading while an approval request is open: with a number to type, or with one to compare. */
export const WAITING = /^(Enter the number|Approve) on your phone$/;
/** How long a test waits for a state, in milliseconds. Generous: a slow machine is no failure. */
const TIMEOUT_MS = 60_000;

/**
 * Starts everything; `stop` ends it. `env` is added to the variables that every test sets. Call `leave`
 * after each test, so that no page of it goes on polling.
 */
export async function startApp(env = {}) {
  const folder = await mkdtemp(join(tmpdir(), "countersign-"));
  const [port, sandboxPort] = [await freePort(), await freePort()];
  const variables = {
    PORT: String(port), SANDBOX_PORT: String(sandboxPort), PAGE_DIR: process.env.PAGE_FOLDER, BCRYPT_COST: "4",
    DATABASE_URL: `sqlite://${join(folder, "test.db")}`,
    // On a slow machine a write to the disk or a call to the sandbox may take long.
    DATABASE_TIMEOUT_SECONDS: "60", PROVIDER_TIMEOUT_SECONDS: "60", ...env,
  };
  const url = `http://127.0.0.1:${port}`;
  const run = () => start(process.env.SERVER_PROGRAM, variables, `${url}/readyz`, folder);
  let server = await run();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    timeout: 3 * TIMEOUT_MS,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  let people = 0;
  let log = "";
  return {
    url,
    sandbox: control(`http://127.0.0.1:${sandboxPort}`),
    /** A page of a new browser context, without cookies. */
    async visitor(options = {}) {
      const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 800 }, reducedMotion: "reduce", ...options });
      context.setDefaultTimeout(TIMEOUT_MS);
      await context.addInitScript(recordHeadings);
      const page = await context.newPage();
      const problems = [];
      page.on("pageerror", (problem) => problems.push(String(problem)));
      page.on("console", (message) => {
        // The browser logs every response with an error status; the tests expect some of them.
        if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) problems.push(message.text());
      });
      return { page, context, problems };
    },
    /** Closes the pages of all visitors. */
    async leave() {
      await Promise.all(browser.contexts().map((context) => context.close()));
    },
    /** A person with an e-mail and a phone that no other person has. */
    person() {
      people += 1;
      const phone = `77009${String(people).padStart(5, "0")}`;
      return { name: "Ada Lovelace", email: `ada${people}@example.com`, phone, e164: `+44${phone}` };
    },
    async restart() {
      const code = await server.stop();
      log += server.log();
      server = await run();
      return code;
    },
    /** The output of the server. */
    log: () => log + server.log(),
    async stop() {
      await browser.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs in the page: keeps every heading that it shows, also one that is shown for a moment only. */
function recordHeadings() {
  globalThis.headings = [];
  const record = () => {
    const text = document.querySelector("h1")?.textContent;
    if (text && text !== globalThis.headings.at(-1)) globalThis.headings.push(text);
  };
  new MutationObserver(record).observe(document, { childList: true, subtree: true, characterData: true });
}

/** Retries `check` until it passes, and returns its result. After the timeout, throws its last error. */
export async function eventually(check) {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    try {
      return await check();
    } catch (problem) {
      if (Date.now() > deadline) throw problem;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

/** Waits until a locator matches exactly this number of elements. */
export const hasCount = (locator, count) => eventually(async () => assert.equal(await locator.count(), count));

/** Waits until an attribute has a value. */
export const hasAttribute = (locator, name, value) => eventually(async () => assert.equal(await locator.getAttribute(name), value));

/** Waits until an element has the focus. */
export function hasFocus(locator, message) {
  return eventually(async () => assert.ok(await locator.evaluate((element) => element === document.activeElement), message));
}

/** Waits for the heading of a page. If it does not come, the error says what is shown instead. */
export async function heading(page, text) {
  try {
    await page.getByRole("heading", { level: 1, name: text, exact: true }).waitFor();
  } catch (problem) {
    const shown = await page.locator("body").innerText({ timeout: 1000 }).catch(String);
    throw new Error(`no heading "${text}" at ${page.url()}, which shows:\n${shown}`, { cause: problem });
  }
}

/** Asserts that the page has shown a heading since it was loaded, perhaps for a moment only. */
export async function hasShown(page, text) {
  const headings = await page.evaluate(() => globalThis.headings);
  assert.ok(headings.includes(text), `${text}: ${headings}`);
}

/** Holds requests to `url` back until `release`; `started` waits until there is one. */
export async function hold(page, url) {
  let [started, release] = [false];
  const released = new Promise((done) => (release = done));
  const handler = async (route) => {
    started = true;
    await released;
    // It fails if the page was closed meanwhile.
    await route.continue().catch(() => undefined);
  };
  await page.route(url, handler);
  return {
    started: () => eventually(() => assert.ok(started, `no request to ${url}`)),
    async release() {
      release();
      await page.unroute(url, handler);
    },
  };
}

/** Creates an account with the form, from the home page. */
export async function signUp(page, app, person) {
  await page.goto(app.url);
  // In the navigation there is another such link, which is rendered again once the state is known.
  await page.getByRole("main").getByRole("link", { name: "Create account", exact: true }).click();
  await page.getByLabel("Full name", { exact: true }).fill(person.name);
  await page.getByLabel("E-mail", { exact: true }).fill(person.email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Phone", { exact: true }).pressSequentially(person.phone);
  await page.getByRole("button", { name: "Create account", exact: true }).click();
  await heading(page, person.name);
}

/** Creates an account by the API, without a session. */
export async function makeAccount(app, person) {
  const body = JSON.stringify({ fullName: person.name, email: person.email, phone: person.phone, countryCode: "44", password: PASSWORD });
  const answer = await fetch(`${app.url}/user`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  assert.equal(answer.status, 200);
}

/** Enters the e-mail and the password and submits them. */
export async function logIn(page, app, person, password = PASSWORD) {
  await page.goto(`${app.url}/login`);
  await page.getByLabel("E-mail or username").fill(person.email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Continue", exact: true }).click();
}

/** A visitor whose password was accepted and whose approval request is pending. */
export async function waiting(app, options) {
  const visitor = await app.visitor(options);
  const ada = app.person();
  await makeAccount(app, ada);
  await logIn(visitor.page, app, ada);
  await visitor.page.getByRole("heading", { level: 1, name: WAITING }).waitFor();
  return { ...visitor, ada };
}

/** Leaves the page that waits for approval and chooses another sign-in method. */
export async function chooseWay(page, name) {
  await page.getByRole("link", { name: "Choose another way", exact: true }).click();
  await heading(page, "Choose another way");
  await page.getByRole("button", { name }).click();
}

/** Enters a code and submits it. */
export async function enter(page, code, button = "Confirm") {
  await page.getByLabel("Code", { exact: true }).fill(code);
  await page.getByRole("button", { name: button, exact: true }).click();
}

/** Waits for an e-mail; answers its newest copy, with the link in it. */
export function mail(app, email, subject) {
  return eventually(async () => {
    const { mails } = await (await fetch(`${app.sandbox.url}/_sandbox/mail?to=${encodeURIComponent(email)}`)).json();
    const newest = mails.find((mail) => mail.subject === subject);
    assert.ok(newest, `no ${subject} for ${email}, but ${mails.map((mail) => mail.subject)}`);
    return { ...newest, link: newest.text.match(/https?:\S+#\S+/)?.[0] };
  });
}

/** Opens the link that a sign-up has sent, in a signed-in browser, and verifies the e-mail. */
export async function verifyEmail(page, app, person) {
  const { link } = await mail(app, person.email, "Verify your new email");
  await page.goto(link);
  await page.getByRole("button", { name: "Verify email" }).click();
  await page.getByText(`Your email is now ${person.email}.`).waitFor();
}

/** The code that an authenticator app shows at a time, in milliseconds (RFC 6238). */
export function totp(secret, at) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const digest = createHmac("sha1", key).update(step).digest();
  const start = digest[19] & 15;
  return String((digest.readUInt32BE(start) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** The newest code on a phone. */
export function newestCode(app, e164) {
  return eventually(async () => {
    const { messages } = await app.sandbox.phone(e164);
    const newest = messages.find(({ code }) => code);
    assert.ok(newest, `no code on ${e164}`);
    return newest.code;
  });
}

/** The id of the newest approval request on a phone, once it is pending. */
export function pendingRequest(app, e164) {
  return eventually(async () => {
    const { approvalRequests: [newest] } = await app.sandbox.phone(e164);
    assert.equal(newest?.status, "pending");
    return newest.uuid;
  });
}

/** Answers the newest approval request on a phone; `verb` is `approve` or `deny`. */
export async function answerRequest(app, e164, verb) {
  const uuid = await pendingRequest(app, e164);
  await app.sandbox.answer(uuid, verb);
  return uuid;
}

/** Approves on the phone, and types the number that it shows. */
export async function approve(page, app, person) {
  await answerRequest(app, person.e164, "approve");
  const { approvalRequests: [newest] } = await app.sandbox.phone(person.e164);
  await page.getByLabel("Number on your phone").fill(newest.details["Enter in browser"]);
}

/** Creates an account and signs in with password and approval. */
export async function signIn(page, app, person) {
  await makeAccount(app, person);
  await logIn(page, app, person);
  await heading(page, "Enter the number on your phone");
  await approve(page, app, person);
  await heading(page, person.name);
}

/** Opens the sandbox's phone page, in another page of the same context, at the phone of this person. */
export async function openPhone(app, context, person) {
  const phone = await context.newPage();
  await phone.goto(app.sandbox.url);
  await choosePhone(phone, person);
  return phone;
}

/** Chooses the phone of a person on the phone page. */
export async function choosePhone(phone, person) {
  const button = phone.getByRole("button", { name: new RegExp(person.email) });
  // A change of the list renders it again; a click during that is lost.
  await eventually(async () => {
    await button.click();
    assert.equal(await button.getAttribute("aria-pressed"), "true");
  });
}

/** Asserts that axe finds no violation on a page. */
export async function accessible(page, where) {
  // The page's content security policy forbids other scripts, so axe is injected by the debugger.
  await page.evaluate(await readFile(AXE, "utf8"));
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`), [], where);
}

/** Asserts that a page needs no horizontal scrolling. */
export async function fits(page, where) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `${where}: ${content} wide in ${window}`);
}
