// What a page shows before its program runs, where it cannot run, and what it weighs.
import { test, before, after, afterEach } from "node:test";
import assert from "node:assert/strict";
import { accessible, eventually, fits, hasFocus, heading, hold, startApp } from "./app.mjs";

const WASM = "**/*.wasm";

let app;
before(async () => (app = await startApp()));
afterEach(() => app.leave());
after(() => app.stop());

test("before the program runs each page shows its own title and heading", async () => {
  const pages = [
    ["/", "Two-factor sign-in", "Half you know.Half you hold."],
    ["/login", "Log in", "Log in"],
    ["/signup", "Create your account", "Create your account"],
    ["/signed-out", "Signed out", "Signed out"],
    ["/no/such/page", "No page here", "No page here"],
  ];
  for (const [path, title, text] of pages) {
    const { page } = await app.visitor();
    await hold(page, WASM);
    await page.goto(app.url + path, { waitUntil: "domcontentloaded" });
    assert.equal(await page.title(), `${title} · Countersign`);
    assert.deepEqual(await page.locator("h1").allTextContents(), [text]);
    await accessible(page, path);
    await fits(page, path);
  }
});

test("the first frame has the same places as the page that follows", async () => {
  for (const path of ["/", "/login", "/signed-out"]) {
    for (const width of [390, 1280]) {
      const { page } = await app.visitor({ viewport: { width, height: 844 } });
      const places = () => page.evaluate(() =>
        [...document.querySelectorAll("main h1, main h2, main input, main .pair .button, main .seal")].map((element) => {
          const { x, y, width, height } = element.getBoundingClientRect();
          return [element.tagName, x, y, width, height].map((value) => (typeof value === "number" ? Math.round(value) : value)).join(" ");
        }));
      const held = await hold(page, WASM);
      await page.goto(app.url + path, { waitUntil: "domcontentloaded" });
      await page.locator("#frame").waitFor({ state: "attached" });
      await page.waitForFunction(() => document.styleSheets.length > 0);
      const first = await places();
      await held.release();
      await page.locator("#frame").waitFor({ state: "detached" });
      // The sandbox's own section of the home page comes below.
      assert.deepEqual((await places()).slice(0, first.length), first, `${path} at ${width}`);
    }
  }
});

test("what is typed before the program runs is kept, with the focus and the selection", async () => {
  const { page, problems } = await app.visitor();
  const held = await hold(page, WASM);
  await page.goto(`${app.url}/login`, { waitUntil: "domcontentloaded" });
  const [email, password] = [page.getByLabel("E-mail or username"), page.getByLabel("Password", { exact: true })];
  await password.fill("correct horse");
  await email.pressSequentially("ada@example.com");
  await page.keyboard.press("Shift+ArrowLeft");
  assert.ok(await page.getByRole("button", { name: "Continue" }).isDisabled());
  await page.keyboard.press("Enter");
  await held.release();
  await page.locator("#frame").waitFor({ state: "detached" });
  assert.deepEqual([await email.inputValue(), await password.inputValue()], ["ada@example.com", "correct horse"]);
  await hasFocus(email, "the focus stays");
  assert.deepEqual(await email.evaluate((field) => [field.selectionStart, field.selectionEnd]), [14, 15]);
  // The program knows it as well: the values are sent.
  const sent = page.waitForRequest((request) => request.method() === "POST");
  await page.getByRole("button", { name: "Continue" }).click();
  assert.deepEqual((await sent).postDataJSON(), { email: "ada@example.com", password: "correct horse" });
  assert.deepEqual(problems, []);
});

test("the program takes over between two keystrokes", async () => {
  const { page } = await app.visitor();
  // The next task of the browser after the frame has gone, before any timer, as a key that is pressed.
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (document.getElementById("main") === null || document.getElementById("frame") !== null) return;
      observer.disconnect();
      const look = () => (globalThis.met = [document.activeElement.id, document.activeElement.value]);
      globalThis.scheduler.postTask(look, { priority: "user-blocking" });
    }).observe(document, { childList: true, subtree: true });
  });
  const held = await hold(page, WASM);
  await page.goto(`${app.url}/login`, { waitUntil: "domcontentloaded" });
  await page.getByLabel("E-mail or username").fill("ada@example.com");
  await held.release();
  await page.waitForFunction(() => globalThis.met);
  assert.deepEqual(await page.evaluate(() => globalThis.met), ["email", "ada@example.com"]);
});

test("a link that has the focus before the program runs keeps it", async () => {
  const { page } = await app.visitor();
  const held = await hold(page, WASM);
  await page.goto(`${app.url}/signup`, { waitUntil: "domcontentloaded" });
  await page.keyboard.press("Tab");
  await hasFocus(page.getByRole("link", { name: "Skip to content" }), "before");
  await held.release();
  await page.locator("#frame").waitFor({ state: "detached" });
  await hasFocus(page.getByRole("link", { name: "Skip to content" }), "after");
});

test("a program that is slow to come is announced after a while, and still starts", async () => {
  const { page, problems } = await app.visitor({ reducedMotion: "no-preference" });
  const held = await hold(page, WASM);
  await page.goto(`${app.url}/login`, { waitUntil: "domcontentloaded" });
  const late = page.getByText("This is taking longer than usual");
  assert.equal(await late.isVisible(), false);
  await late.waitFor();
  await page.getByRole("link", { name: "Reload page" }).waitFor();
  await accessible(page, "slow");
  await held.release();
  await page.locator("#frame").waitFor({ state: "detached" });
  await heading(page, "Log in");
  assert.equal(await late.count(), 0);
  assert.deepEqual(problems, []);
});

test("a program that cannot be loaded is said so, and the page can be loaded again", async () => {
  for (const blocked of [WASM, "**/frontend.js", "**/groups.js"]) {
    const { page } = await app.visitor();
    await page.route(blocked, (route) => route.abort());
    await page.goto(`${app.url}/login`);
    await heading(page, "This page couldn’t load");
    assert.equal(await page.title(), "This page couldn’t load · Countersign");
    await accessible(page, blocked);
    await page.unroute(blocked);
    await page.getByRole("link", { name: "Reload page" }).click();
    await heading(page, "Log in");
    await page.locator("#frame").waitFor({ state: "detached" });
  }
});

test("a browser without WebAssembly is told what is missing", async () => {
  const { page } = await app.visitor();
  await page.addInitScript(() => delete globalThis.WebAssembly);
  await page.goto(app.url);
  await heading(page, "WebAssembly is turned off");
  await fits(page, "no WebAssembly");
});

test("a browser without scripts is told what is missing", async () => {
  const { page } = await app.visitor({ javaScriptEnabled: false });
  await page.goto(`${app.url}/login`);
  await heading(page, "Log in");
  // Locators by text pass over what is in this element.
  const reason = page.locator("noscript p");
  assert.equal(await reason.textContent(), "Countersign needs JavaScript and WebAssembly. Turn them on, then reload this page.");
  assert.ok(await reason.isVisible());
});

test("a page whose files cannot be loaded says so, and others still open", async () => {
  const { page } = await app.visitor();
  await page.goto(app.url);
  await heading(page, "Half you know. Half you hold.");
  await page.locator("#frame").waitFor({ state: "detached" });
  await page.route("**/split_joining.wasm", (route) => route.abort());
  await page.getByRole("main").getByRole("link", { name: "Create account", exact: true }).click();
  await heading(page, "This page couldn’t load");
  await page.getByRole("link", { name: "Log in", exact: true }).click();
  await heading(page, "Log in");
  await page.unroute("**/split_joining.wasm");
  await page.getByRole("main").getByRole("link", { name: "Create account", exact: true }).click();
  await heading(page, "Create your account");
});

test("links, the browser's buttons, queries and fragments go where they should", async () => {
  const { page } = await app.visitor({ viewport: { width: 390, height: 500 } });
  let documents = 0;
  page.on("request", (request) => (documents += request.isNavigationRequest() ? 1 : 0));
  await page.goto(`${app.url}/?from=mail#main`);
  await page.locator("#frame").waitFor({ state: "detached" });
  const foot = page.getByRole("link", { name: "Verify a phone number without an account" });
  await foot.scrollIntoViewIfNeeded();
  const scrolled = await page.evaluate(() => scrollY);
  assert.ok(scrolled > 100);
  await foot.click();
  await heading(page, "Verify your phone number");
  assert.equal(await page.evaluate(() => scrollY), 0);
  await hasFocus(page.locator("main h1"), "the heading is announced");
  await page.goBack();
  await heading(page, "Half you know. Half you hold.");
  await eventually(async () => assert.equal(await page.evaluate(() => scrollY), scrolled));
  assert.equal(new URL(page.url()).search + new URL(page.url()).hash, "?from=mail#main");
  await page.goForward();
  await heading(page, "Verify your phone number");
  assert.equal(await page.title(), "Verify your phone number · Countersign");
  assert.equal(documents, 1, "the document was loaded once");
  // A click with a modifier, and a path that is not a page's, are the browser's.
  const opened = page.context().waitForEvent("page");
  await page.getByRole("link", { name: "Countersign", exact: true }).click({ modifiers: ["ControlOrMeta"] });
  await (await opened).close();
  await heading(page, "Verify your phone number");
});

test("the first view weighs at most 120 kB, and loads nothing that it does not need", async () => {
  // As in production: without a sandbox, the documents are sent compressed.
  const plain = await startApp({ SANDBOX: "off", AUTHY_API_KEY: "unused", AUTHY_API_URL: "http://127.0.0.1:9" });
  try {
    for (const path of ["/", "/login"]) {
      const { page } = await plain.visitor();
      const requests = [];
      page.on("requestfinished", (request) => requests.push(request));
      const foreign = [];
      page.on("request", (request) => new URL(request.url()).origin === plain.url || foreign.push(request.url()));
      await page.goto(plain.url + path, { waitUntil: "networkidle" });
      await page.locator("#frame").waitFor({ state: "detached" });
      const name = (request) => new URL(request.url()).pathname.replace(/[0-9a-f]{16}/, "…");
      const loaded = requests.map(name).sort();
      const icon = "/favicon-….svg";
      assert.deepEqual(loaded.filter((name) => name !== icon), [
        path, "/countersign-….css", "/user", "/…/frontend.js", "/…/frontend_bg.wasm", "/…/groups.js",
      ].sort());
      const sizes = await Promise.all(requests.map(async (request) => [name(request), (await request.sizes()).responseBodySize]));
      const total = sizes.reduce((sum, [, size]) => sum + size, 0);
      assert.ok(total > 50_000 && total <= 120_000, `${path}: ${total} bytes: ${JSON.stringify(sizes)}`);
      assert.deepEqual(foreign, []);
    }
  } finally {
    await plain.stop();
  }
});
