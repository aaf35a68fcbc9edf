// Waiting for the phone: the page follows the server's event stream, and goes on without it.
import { test, before, after, afterEach } from "node:test";
import assert from "node:assert/strict";
import { answerRequest, eventually, hasShown, heading, hold, logIn, makeAccount, openPhone, startApp, waiting } from "./app.mjs";

const STREAM = "**/authy/status/stream";

let app;
before(async () => (app = await startApp({ LIMITS: "off", PUSH_MATCH: "off" })));
afterEach(() => app.leave());
after(() => app.stop());

/** A visitor who has logged in, with what the page asked for about the status since then. */
async function waitingWith(prepare = async () => undefined) {
  const visitor = await app.visitor();
  const ada = app.person();
  await makeAccount(app, ada);
  const asked = [];
  visitor.page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith("/authy/status")) asked.push(pathname);
  });
  await prepare(visitor.page);
  await logIn(visitor.page, app, ada);
  await heading(visitor.page, "Approve on your phone");
  return { ...visitor, ada, asked };
}

test("an approval comes by the stream, and nothing is polled", async () => {
  let told;
  const { page, ada, asked, problems } = await waitingWith((page) => {
    told = page.waitForResponse((response) => response.url().endsWith("/authy/status/stream"));
  });
  assert.equal((await told).status(), 200);
  // On a slow machine the page may have asked before the stream told it.
  const before = asked.length;
  await answerRequest(app, ada.e164, "approve");
  await heading(page, ada.name);
  await hasShown(page, "Approved");
  assert.deepEqual(asked.slice(before), []);
  assert.equal(asked.filter((path) => path.endsWith("stream")).length, 1);
  assert.deepEqual(problems, []);
});

test("where a proxy refuses the stream, the page polls", async () => {
  const { page, ada } = await waitingWith((page) => page.route(STREAM, (route) => route.fulfill({ status: 502, body: "Bad Gateway" })));
  await answerRequest(app, ada.e164, "approve");
  await heading(page, ada.name);
});

test("where a proxy keeps the stream back, the page polls", async () => {
  let held;
  const { page, ada } = await waitingWith(async (page) => (held = await hold(page, STREAM)));
  await held.started();
  await answerRequest(app, ada.e164, "deny");
  await heading(page, "Denied on your phone");
});

test("where a proxy cuts the stream again and again, the page goes on", async () => {
  let cut = 0;
  const { page, ada } = await waitingWith((page) => page.route(STREAM, (route) => {
    cut += 1;
    return route.fulfill({ status: 200, contentType: "text/event-stream", body: "retry: 100\n\n" });
  }));
  await eventually(() => assert.ok(cut > 2));
  await answerRequest(app, ada.e164, "approve");
  await heading(page, ada.name);
});

test("a server that was restarted is connected again, and tells the answer", async () => {
  const { page, ada, asked } = await waitingWith();
  await eventually(() => assert.ok(asked.includes("/authy/status/stream")));
  const uuid = (await app.sandbox.phone(ada.e164)).approvalRequests[0].uuid;
  assert.ok(uuid);
  // The sandbox in the server has forgotten the request; the session and its stream are still there.
  await app.restart();
  await eventually(() => assert.ok(asked.filter((path) => path.endsWith("stream")).length > 1, `${asked}`));
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await heading(page, "Half you know. Half you hold.");
});

for (const [path, title] of [["/code", "Enter the code"], ["/2fa", "Choose another way"]]) {
  test(`an approval signs in on the page "${title}" as well`, async () => {
    const { page, ada } = await waiting(app);
    await page.goto(app.url + path);
    await heading(page, title);
    await answerRequest(app, ada.e164, "approve");
    await heading(page, ada.name);
  });
}

test("cancelling is not taken for a session that has ended by itself", async () => {
  const { page, problems } = await waitingWith();
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await heading(page, "Half you know. Half you hold.");
  await page.getByRole("main").getByRole("link", { name: "Log in", exact: true }).click();
  await heading(page, "Log in");
  assert.equal(await page.getByText("took too long").count(), 0);
  assert.deepEqual(problems, []);
});

test("a session that is ended elsewhere ends on the page", async () => {
  const { page, context } = await waitingWith();
  const status = await context.request.delete(`${app.url}/session`, { headers: { Origin: app.url } });
  assert.equal(status.status(), 200);
  await heading(page, "Log in");
  await page.getByText("That sign-in took too long and has ended. Begin again.").waitFor();
});

test("a status that the stream has overtaken changes nothing on the page", async () => {
  const { page, ada } = await waitingWith();
  await app.sandbox.advance(121);
  await heading(page, "The request has expired");
  let [answered, pass] = [0, undefined];
  const passed = new Promise((done) => (pass = done));
  await page.route("**/authy/status", async (route) => {
    const response = await route.fetch();
    answered += 1;
    await passed;
    await route.fulfill({ response });
  });
  await page.getByRole("button", { name: "Ask again" }).click();
  await heading(page, "Approve on your phone");
  // The page has asked for the status as well, and was answered before the phone approves; it learns that later.
  await eventually(() => assert.ok(answered > 0));
  // The page goes on to the account by this call.
  const user = await hold(page, `${app.url}/user`);
  await answerRequest(app, ada.e164, "approve");
  await heading(page, "Approved");
  await user.started();
  const learned = page.waitForEvent("requestfinished", (request) => request.url().endsWith("/authy/status"));
  pass();
  await learned;
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  assert.equal(await page.locator("h1").innerText(), "Approved");
  await user.release();
  await heading(page, ada.name);
});

test("where the number is to compare, page and phone show the same one and the same cut", async () => {
  const { page, context, ada } = await waiting(app);
  const number = await page.getByRole("group", { name: "Match number" }).locator("b").textContent();
  const phone = await openPhone(app, context, ada);
  const card = phone.getByRole("article");
  assert.equal(await card.getByRole("group", { name: "Match number" }).locator("b").textContent(), number);
  // Page and phone draw the same halves of the disc.
  const numbers = async (path) => (await path.getAttribute("d")).match(/-?[\d.]+/g).map(Number);
  await eventually(async () => {
    const [onPage, onPhone] = [await numbers(page.locator(".life .hold")), await numbers(card.locator(".life .hold"))];
    assert.equal(onPage.length, onPhone.length);
    for (const [at, part] of onPage.entries()) assert.ok(Math.abs(part - onPhone[at]) < 0.01, `${onPage} ${onPhone}`);
  });
  await card.getByRole("button", { name: "Approve", exact: true }).click();
  await heading(page, ada.name);
  await hasShown(page, "Approved");
});
