// A server with its page and its sandbox, and a browser, for one test file.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { control, freePort, start } from "../conformance/start.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
export const PASSWORD = "notes on the engine";

/** Starts all of it; `stop` ends it. `env` is beside what every test has. */
export async function startApp(env = {}) {
  const folder = await mkdtemp(join(tmpdir(), "countersign-"));
  const [port, sandboxPort] = [await freePort(), await freePort()];
  const variables = {
    PORT: String(port), SANDBOX_PORT: String(sandboxPort), PAGE_DIR: process.env.PAGE_FOLDER, BCRYPT_COST: "4",
    DATABASE_URL: `sqlite://${join(folder, "test.db")}`, ...env,
  };
  const url = `http://127.0.0.1:${port}`;
  const run = () => start(process.env.SERVER_PROGRAM, variables, `${url}/readyz`, folder);
  let server = await run();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  let people = 0;
  let log = "";
  return {
    url,
    sandbox: control(`http://127.0.0.1:${sandboxPort}`),
    /** A browser window of somebody who was never here. */
    async visitor(options = {}) {
      const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 800 }, ...options });
      context.setDefaultTimeout(15_000);
      const page = await context.newPage();
      const problems = [];
      page.on("pageerror", (problem) => problems.push(String(problem)));
      page.on("console", (message) => {
        // A status that is no success is part of the conversation; the browser reports it all the same.
        if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) problems.push(message.text());
      });
      return { page, context, problems };
    },
    /** Somebody to be: an e-mail and a phone nobody has. */
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
    /** What the server has printed. */
    log: () => log + server.log(),
    async stop() {
      await browser.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Waits for the heading of a page. */
export async function heading(page, text) {
  await page.getByRole("heading", { level: 1, name: text, exact: true }).waitFor();
}

/** Signs up by hand, from the start page. */
export async function signUp(page, app, person) {
  await page.goto(app.url);
  await page.getByRole("link", { name: "Create account" }).first().click();
  await page.getByLabel("Full name").fill(person.name);
  await page.getByLabel("E-mail").fill(person.email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Phone", { exact: true }).pressSequentially(person.phone);
  await page.getByRole("button", { name: "Create account" }).click();
  await heading(page, person.name);
}

/** Makes an account without the page, and without a session. */
export async function makeAccount(app, person) {
  const body = JSON.stringify({ fullName: person.name, email: person.email, phone: person.phone, countryCode: "44", password: PASSWORD });
  const answer = await fetch(`${app.url}/user`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  assert.equal(answer.status, 200);
}

/** Types the password and sends it. */
export async function logIn(page, app, person) {
  await page.goto(`${app.url}/login`);
  await page.getByLabel("E-mail or username").fill(person.email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Continue" }).click();
}

/** A visitor with an account whose password was right and whose phone is asked. */
export async function waiting(app, options) {
  const visitor = await app.visitor(options);
  const ada = app.person();
  await makeAccount(app, ada);
  await logIn(visitor.page, app, ada);
  await heading(visitor.page, "Approve on your phone");
  return { ...visitor, ada };
}

/** Goes from waiting for the phone to the code page, by one of the other ways. */
export async function chooseWay(page, name) {
  await page.getByRole("link", { name: "Choose another way" }).click();
  await heading(page, "Choose another way");
  await page.getByRole("button", { name }).click();
}

/** Types a code and sends it. */
export async function enter(page, code, button = "Confirm") {
  await page.getByLabel("Code", { exact: true }).fill(code);
  await page.getByRole("button", { name: button }).click();
}

/** The newest code on a phone. */
export async function newestCode(app, e164) {
  const { messages } = await app.sandbox.phone(e164);
  return messages.find(({ code }) => code).code;
}

/** An account, signed in with both halves in this page. */
export async function signIn(page, app, person) {
  await makeAccount(app, person);
  await logIn(page, app, person);
  await heading(page, "Approve on your phone");
  const { approvalRequests: [{ uuid }] } = await app.sandbox.phone(person.e164);
  await app.sandbox.answer(uuid, "approve");
  await heading(page, person.name);
}

/** What axe finds on a page: nothing. */
export async function accessible(page, where) {
  // The page's policy forbids foreign scripts, so axe comes in by the debugger.
  await page.evaluate(await readFile(AXE, "utf8"));
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`), [], where);
}

/** Nothing sticks out to the side. */
export async function fits(page, where) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `${where}: ${content} wide in ${window}`);
}
