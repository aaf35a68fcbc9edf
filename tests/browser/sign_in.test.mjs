// The whole road in a browser, with the sandbox's phone in a second window.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { PASSWORD, chooseWay, enter, heading, logIn, makeAccount, newestCode, signUp, startApp, waiting } from "./app.mjs";

let app;
before(async () => (app = await startApp({ RUST_LOG: "debug", LOG_FORMAT: "json" })));
after(() => app.stop());

/** The phone page, in a second window of the same browser. */
async function openPhone(context) {
  const phone = await context.newPage();
  await phone.goto(app.sandbox.url);
  return phone;
}

test("sign up, log out, log in, approve on the phone, land on the account page", async () => {
  const { page, context, problems } = await app.visitor();
  const ada = app.person();
  await signUp(page, app, ada);
  await page.getByText("Your phone is not proven yet").waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await heading(page, "Signed out");
  await logIn(page, app, ada);
  await heading(page, "Approve on your phone");
  const number = await page.getByRole("group", { name: "Match number" }).locator("b").textContent();
  const phone = await openPhone(context);
  const card = phone.getByRole("article");
  await card.getByText(ada.email).waitFor();
  assert.equal(await card.getByRole("group", { name: "Match number" }).locator("b").textContent(), number);
  // Page and phone draw complementary halves of one cut.
  const halves = [page.locator(".life .hold"), card.locator(".life .hold")];
  const [ours, theirs] = await Promise.all(halves.map(async (half) => (await half.getAttribute("d")).match(/-?[\d.]+/g).map(Number)));
  assert.equal(ours.length, theirs.length);
  for (const [at, part] of ours.entries()) assert.ok(Math.abs(part - theirs[at]) < 0.01, `${ours} ${theirs}`);
  await card.getByRole("button", { name: "Approve" }).click();
  await heading(page, "Approved");
  await heading(page, ada.name);
  assert.equal(new URL(page.url()).pathname, "/account");
  await page.getByText("Verified", { exact: true }).waitFor();
  await phone.getByText("Approved").waitFor();
  // The session is the browser's: it survives a reload, and nothing of it is in reach of scripts.
  await page.reload();
  await heading(page, ada.name);
  assert.deepEqual(await page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length]), ["", 0, 0]);
  assert.deepEqual(problems, []);
});

test("deny, then a code from the phone", async () => {
  const { page, context, problems, ada } = await waiting(app);
  const phone = await openPhone(context);
  await phone.getByRole("article").getByRole("button", { name: "Deny" }).click();
  await heading(page, "Denied on your phone");
  await page.getByText("Nothing was opened.").waitFor();
  await chooseWay(page, /Code by text/);
  await heading(page, "Enter the code");
  await page.getByText("A code was texted to").waitFor();
  // The wait for another begins, now that one was sent.
  assert.ok(await page.getByRole("button", { name: /^Send a new code in 0:\d\d$/ }).isDisabled());
  const field = page.getByLabel("Code", { exact: true });
  assert.equal(await field.getAttribute("autocomplete"), "one-time-code");
  const { messages: [{ code }] } = await app.sandbox.phone(ada.e164);
  await field.fill(code === "0000000" ? "0000001" : "0000000");
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByRole("alert").getByText("That is not the code we sent. 4 tries left.").waitFor();
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  await phone.getByRole("tab", { name: "Messages" }).click();
  await phone.getByText(code).first().waitFor();
  // As pasted from a text, with a blank in the middle.
  await field.fill(`${code.slice(0, 3)} ${code.slice(3)}`);
  await page.getByRole("button", { name: "Confirm" }).click();
  await heading(page, ada.name);
  assert.deepEqual(problems, []);
});

test("a phone without the app leads to the code page at once", async () => {
  const { page, problems } = await app.visitor();
  const ada = app.person();
  await makeAccount(app, ada);
  await app.sandbox.setApp(ada.e164, false);
  await logIn(page, app, ada);
  await heading(page, "Enter the code");
  await enter(page, await newestCode(app, ada.e164));
  await heading(page, ada.name);
  assert.deepEqual(problems, []);
});

test("a request nobody answers expires on the page, and asking again works", async () => {
  const { page, ada } = await waiting(app);
  await app.sandbox.advance(121);
  await heading(page, "The request has expired");
  await page.getByRole("button", { name: "Ask again" }).click();
  await heading(page, "Approve on your phone");
  const { approvalRequests: [{ uuid, status }] } = await app.sandbox.phone(ada.e164);
  assert.equal(status, "pending");
  await app.sandbox.answer(uuid, "approve");
  await heading(page, ada.name);
});

test("the countdown starts from the server's expiry", async () => {
  const { page, ada } = await waiting(app);
  await app.sandbox.advance(60);
  await page.reload();
  await page.locator(".stub .figure").getByText(/^0:5\d$/).waitFor();
  const left = await page.locator(".life").evaluate((ring) => Number(getComputedStyle(ring).getPropertyValue("--left")));
  assert.ok(left > 0.4 && left < 0.51, String(left));
});

test("waiting survives a reload, and leaving the page stops the questions", async () => {
  const { page } = await app.visitor();
  const ada = app.person();
  await makeAccount(app, ada);
  let polls = 0;
  page.on("request", (request) => (polls += request.url().endsWith("/authy/status") ? 1 : 0));
  await page.clock.install();
  await logIn(page, app, ada);
  await heading(page, "Approve on your phone");
  await page.reload();
  await heading(page, "Approve on your phone");
  await page.goto(`${app.url}/login`);
  await heading(page, "Approve on your phone");
  await chooseWay(page, /Code by text/);
  await heading(page, "Enter the code");
  const before = polls;
  await page.clock.runFor(20_000);
  // The button's count has gone down, so time has passed; nobody has asked.
  await page.getByRole("button", { name: /^Send a new code in 0:(0\d|10)$/ }).waitFor();
  assert.equal(polls, before);
});

test("polling keeps the pace the answer names", async () => {
  const { page } = await app.visitor();
  const ada = app.person();
  await makeAccount(app, ada);
  let polls = 0;
  page.on("request", (request) => (polls += request.url().endsWith("/authy/status") ? 1 : 0));
  await page.clock.install();
  await logIn(page, app, ada);
  await heading(page, "Approve on your phone");
  // From here on time passes only as we let it.
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 1000);
  for (let round = 0; round < 4; round += 1) {
    await page.waitForLoadState("networkidle");
    const before = polls;
    // The answer names a second: nothing is asked before it is over, one question after it.
    await page.clock.runFor(700);
    assert.equal(polls, before);
    const asked = page.waitForResponse("**/authy/status");
    await page.clock.runFor(400);
    await asked;
    assert.equal(polls, before + 1);
  }
});

test("cancelling a sign-in ends it at the server", async () => {
  const { page, ada } = await waiting(app);
  const { approvalRequests: [{ uuid }] } = await app.sandbox.phone(ada.e164);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("link", { name: "Log in" }).first().waitFor();
  await app.sandbox.answer(uuid, "approve");
  await page.goto(`${app.url}/account`);
  await heading(page, "Log in");
});

test("a new account proves its phone by a code", async () => {
  const { page, problems } = await app.visitor();
  const ada = app.person();
  await signUp(page, app, ada);
  await page.getByRole("link", { name: "Verify phone" }).click();
  await heading(page, "Prove this is your phone");
  await page.getByRole("button", { name: "Call me instead" }).click();
  await page.getByText("A call with a code goes to").waitFor();
  const { messages: [{ code, via }] } = await app.sandbox.phone(ada.e164);
  assert.equal(via, "call");
  await page.getByLabel("Code", { exact: true }).fill(code);
  await page.getByRole("button", { name: "Verify phone" }).click();
  await heading(page, "Phone verified");
  assert.equal(await page.getByText("Your phone is not proven yet").count(), 0);
  await page.getByRole("link", { name: "Your account" }).click();
  await heading(page, ada.name);
  await page.getByText("Verified", { exact: true }).waitFor();
  assert.equal(await page.getByText("Your phone is not proven yet").count(), 0);
  assert.deepEqual(problems, []);
});

test("a failed send starts no wait and says so beside the button", async () => {
  const { page } = await app.visitor();
  const ada = app.person();
  await signUp(page, app, ada);
  await page.getByRole("link", { name: "Verify phone" }).click();
  await app.sandbox.faults({ path: "/protected/json/sms", status: 500 });
  await page.getByRole("button", { name: "Text me a code" }).click();
  await page.getByRole("alert").getByText("The phone service did not answer.").waitFor();
  await app.sandbox.clearFaults();
  await page.getByRole("button", { name: "Text me a code" }).click();
  await page.getByText("A code was texted to").waitFor();
});

test("a sign-out the server never heard of is said, and nobody is told that it was done", async () => {
  const { page } = await app.visitor();
  const ada = app.person();
  await signUp(page, app, ada);
  await page.route("**/session", (route) => route.abort());
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("alert").getByText("The server cannot be reached.").waitFor();
  await heading(page, ada.name);
  await page.unroute("**/session");
  await page.getByRole("button", { name: "Log out" }).click();
  await heading(page, "Signed out");
});

test("a restart of the server in the middle of waiting is waited out", async () => {
  const { page, ada } = await waiting(app);
  assert.equal(await app.restart(), 0, "told to stop, the server stops in order");
  // The sandbox lives in the server and has forgotten the phone; a code reaches it again.
  await chooseWay(page, /Code by text/);
  await heading(page, "Enter the code");
  await enter(page, await newestCode(app, ada.e164));
  await heading(page, ada.name);
});

test("after all this nothing secret is in the log", async () => {
  const { page, ada } = await waiting(app);
  await chooseWay(page, /Code by text/);
  await heading(page, "Enter the code");
  const code = await newestCode(app, ada.e164);
  await enter(page, code);
  await heading(page, ada.name);
  const cookies = (await page.context().cookies(app.url)).map(({ value }) => value);
  const tokens = cookies.map((value) => decodeURIComponent(value).slice(-43));
  const log = app.log();
  assert.match(log, /"path":"\/session\/verify"/);
  for (const secret of [PASSWORD, code, ada.email, ada.phone, "sandbox-api-key", ...cookies, ...tokens]) {
    assert.ok(secret.length > 5 && !log.includes(secret), `the log has ${secret}`);
  }
});
