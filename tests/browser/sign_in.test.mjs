// Signing in with password and phone, from sign-up to sign-out; the sandbox's phone is a second page.
import { test, before, after, afterEach } from "node:test";
import assert from "node:assert/strict";
import {
  approve, PASSWORD, answerRequest, chooseWay, enter, eventually, hasFocus, hasAttribute, hasCount, heading, logIn, makeAccount, newestCode,
  openPhone, pendingRequest, signUp, startApp, waiting,
} from "./app.mjs";

let app;
before(async () => (app = await startApp({ RUST_LOG: "debug", LOG_FORMAT: "json" })));
afterEach(() => app.leave());
after(() => app.stop());

test("sign up, log out, log in, approve on the phone, type its number, land on the account page", async () => {
  const { page, context, problems } = await app.visitor();
  const ada = app.person();
  await signUp(page, app, ada);
  await page.getByRole("complementary", { name: "Your phone" }).getByText("Verify your phone number", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await heading(page, "Signed out");
  await logIn(page, app, ada);
  await heading(page, "Enter the number on your phone");
  const phone = await openPhone(app, context, ada);
  const card = phone.getByRole("article");
  await card.getByText(ada.email, { exact: true }).waitFor();
  const number = await card.getByRole("group", { name: "Match number" }).locator("b").textContent();
  assert.match(number, /^\d\d$/);
  // The page does not know it.
  assert.equal(await page.getByRole("group", { name: "Match number" }).count(), 0);
  // What is typed before the approval is sent after it.
  await page.getByLabel("Number on your phone").fill(number);
  await page.getByText("Now approve the request on your phone.").waitFor();
  await card.getByRole("button", { name: "Approve", exact: true }).click();
  await heading(page, ada.name);
  await eventually(() => assert.equal(new URL(page.url()).pathname, "/account"));
  await page.getByText("Verified", { exact: true }).waitFor();
  await phone.getByRole("listitem").getByText("Approved", { exact: true }).waitFor();
  // The session survives a reload, and scripts cannot read it.
  await page.reload();
  await heading(page, ada.name);
  assert.deepEqual(await page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length]), ["", 0, 0]);
  assert.deepEqual(problems, []);
});

test("a wrong number is told with the tries that are left, and the third one denies", async () => {
  const { page, ada } = await waiting(app);
  await answerRequest(app, ada.e164, "approve");
  await page.getByText("Approved. Enter the number to sign in.").waitFor();
  const { approvalRequests: [{ details }] } = await app.sandbox.phone(ada.e164);
  const wrong = (by) => String((Number(details["Enter in browser"]) + by) % 100).padStart(2, "0");
  const field = page.getByLabel("Number on your phone");
  for (const [by, told] of [[1, "Wrong number. 2 tries left."], [2, "Wrong number. 1 try left."]]) {
    await field.fill(wrong(by));
    await page.getByRole("alert").getByText(told).waitFor();
    await hasFocus(field, "the field, for the next try");
  }
  await field.fill(wrong(3));
  await heading(page, "Denied on your phone");
  await page.getByText("You entered 3 wrong numbers").waitFor();
});

test("after a denied request, a code from the phone signs in", async () => {
  const { page, context, problems, ada } = await waiting(app);
  const phone = await openPhone(app, context, ada);
  await phone.getByRole("article").getByRole("button", { name: "Deny", exact: true }).click();
  await heading(page, "Denied on your phone");
  await page.getByText("You weren’t signed in.").waitFor();
  await chooseWay(page, /Code by text/);
  await heading(page, "Enter the code");
  await page.getByText("A code was texted to").waitFor();
  // Another code can be sent only after a wait.
  assert.ok(await page.getByRole("button", { name: /^Send a new code in 0:\d\d$/ }).isDisabled());
  const field = page.getByLabel("Code", { exact: true });
  assert.equal(await field.getAttribute("autocomplete"), "one-time-code");
  const code = await newestCode(app, ada.e164);
  await field.fill(code === "0000000" ? "0000001" : "0000000");
  await page.getByRole("button", { name: "Confirm", exact: true }).click();
  await page.getByRole("alert").getByText("Wrong code. 4 tries left.").waitFor();
  await hasAttribute(field, "aria-invalid", "true");
  await phone.getByRole("tab", { name: "Messages" }).click();
  await phone.getByRole("listitem").getByText(code, { exact: true }).waitFor();
  // As pasted from a text message, with a space in the middle.
  await field.fill(`${code.slice(0, 3)} ${code.slice(3)}`);
  await page.getByRole("button", { name: "Confirm", exact: true }).click();
  await heading(page, ada.name);
  assert.deepEqual(problems, []);
});

test("for a phone without the app, the page asks for a code at once", async () => {
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

test("a request without an answer expires on the page, and asking again works", async () => {
  const { page, ada } = await waiting(app);
  await app.sandbox.advance(121);
  await heading(page, "The request has expired");
  await page.getByRole("button", { name: "Ask again" }).click();
  await heading(page, "Enter the number on your phone");
  await approve(page, app, ada);
  await heading(page, ada.name);
});

test("the countdown starts from the server's expiry", async () => {
  const { page, ada } = await waiting(app);
  await app.sandbox.advance(60);
  await page.reload();
  // However long the reload took: page and sandbox show the same time left, of 120 seconds.
  await eventually(async () => {
    const { approvalRequests: [{ expiresInMs }] } = await app.sandbox.phone(ada.e164);
    const left = expiresInMs / 1000;
    const shown = await page.locator(".stub .figure").textContent();
    assert.match(shown, /^0:\d\d$/);
    assert.ok(Math.abs(Number(shown.slice(2)) - left) < 5, `${shown}, ${left} s left`);
    const share = await page.locator(".life").evaluate((ring) => Number(getComputedStyle(ring).getPropertyValue("--left")));
    assert.ok(Math.abs(share - left / 120) < 0.05, `${share} shown, ${left} s left`);
  });
});

test("the page goes on waiting after a reload, and does not poll beside the stream", async () => {
  const { page } = await app.visitor();
  const ada = app.person();
  await makeAccount(app, ada);
  let polls = 0;
  page.on("request", (request) => (polls += request.url().endsWith("/authy/status") ? 1 : 0));
  await page.clock.install();
  await logIn(page, app, ada);
  await heading(page, "Enter the number on your phone");
  await page.reload();
  await heading(page, "Enter the number on your phone");
  await page.goto(`${app.url}/login`);
  await heading(page, "Enter the number on your phone");
  await chooseWay(page, /Code by text/);
  await heading(page, "Enter the code");
  const before = polls;
  await page.clock.runFor(20_000);
  // The countdown on the button shows that the time has passed for the page.
  await page.getByRole("button", { name: /^Send a new code( in 0:(0\d|10))?$/ }).waitFor();
  assert.equal(polls, before);
});

test("without the stream the page polls at the interval that the response names", async () => {
  const { page } = await app.visitor();
  const ada = app.person();
  await makeAccount(app, ada);
  await page.route("**/authy/status/stream", (route) => route.fulfill({ status: 502 }));
  await page.clock.install();
  await logIn(page, app, ada);
  await heading(page, "Enter the number on your phone");
  // From here on, time passes for the page only in `runFor`. The clock cannot be set back, so it stops at
  // a time that it has not reached yet.
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 60_000);
  // Counted in the page, so that no event can be late.
  await page.evaluate(() => {
    const { fetch } = globalThis;
    Object.assign(globalThis, { polls: 0, answers: 0 });
    globalThis.fetch = async (...words) => {
      const isPoll = String(words[0].url ?? words[0]).endsWith("/authy/status");
      globalThis.polls += isPoll ? 1 : 0;
      const answer = await fetch(...words);
      // The page has read the answer when it is idle again.
      if (isPoll) requestIdleCallback(() => requestIdleCallback(() => (globalThis.answers += 1)));
      return answer;
    };
  });
  const counts = () => page.evaluate(() => [globalThis.polls, globalThis.answers]);
  await eventually(async () => {
    await page.clock.runFor(100);
    assert.ok((await counts())[0] > 0);
  });
  for (let round = 0; round < 4; round += 1) {
    const [before] = await counts();
    await eventually(async () => {
      // What the browser does when it is idle counts as time of the page as well.
      await page.clock.runFor(1);
      assert.equal((await counts())[1], before);
    });
    // The response names a second: no poll before it has passed, one after it; the page looks four times a second.
    await page.clock.runFor(800);
    assert.equal((await counts())[0], before);
    await page.clock.runFor(500);
    await eventually(async () => assert.equal((await counts())[0], before + 1));
  }
});

test("cancelling a sign-in ends it at the server", async () => {
  const { page, ada } = await waiting(app);
  const uuid = await pendingRequest(app, ada.e164);
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await heading(page, "Half you know. Half you hold.");
  await app.sandbox.answer(uuid, "approve");
  await page.goto(`${app.url}/account`);
  await heading(page, "Log in");
});

test("the phone of a new account is verified by a code", async () => {
  const { page, problems } = await app.visitor();
  const ada = app.person();
  await signUp(page, app, ada);
  await page.getByRole("link", { name: "Verify phone" }).click();
  await heading(page, "Verify your phone number");
  await page.getByRole("button", { name: "Call me instead" }).click();
  await page.getByText("A call with a code goes to").waitFor();
  const { messages: [{ code, via }] } = await app.sandbox.phone(ada.e164);
  assert.equal(via, "call");
  await page.getByLabel("Code", { exact: true }).fill(code);
  await page.getByRole("button", { name: "Verify phone" }).click();
  await heading(page, "Phone verified");
  await hasCount(page.getByRole("complementary", { name: "Your phone" }), 0);
  await page.getByRole("link", { name: "Your account", exact: true }).click();
  await heading(page, ada.name);
  await page.getByText("Verified", { exact: true }).waitFor();
  await hasCount(page.getByRole("complementary", { name: "Your phone" }), 0);
  assert.deepEqual(problems, []);
});

test("a failed send is shown below the button, and sending again needs no wait", async () => {
  const { page } = await app.visitor();
  const ada = app.person();
  await signUp(page, app, ada);
  await page.getByRole("link", { name: "Verify phone" }).click();
  await app.sandbox.faults({ path: "/protected/json/sms", status: 500 });
  await page.getByRole("button", { name: "Text me a code" }).click();
  await page.getByRole("alert").getByText("We couldn't reach your phone.").waitFor();
  await app.sandbox.clearFaults();
  await page.getByRole("button", { name: "Text me a code" }).click();
  await page.getByText("A code was texted to").waitFor();
});

test("a sign-out that does not reach the server is shown as failed", async () => {
  const { page } = await app.visitor();
  const ada = app.person();
  await signUp(page, app, ada);
  await page.route("**/session", (route) => route.abort());
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await page.getByRole("alert").getByText("The server cannot be reached.").waitFor();
  await heading(page, ada.name);
  await page.unroute("**/session");
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await heading(page, "Signed out");
});

test("waiting for approval survives a restart of the server", async () => {
  const { page, ada } = await waiting(app);
  assert.equal(await app.restart(), 0, "the exit code of a server stopped by SIGTERM");
  // The sandbox runs in the server and has lost the request; a code can still be sent.
  await chooseWay(page, /Code by text/);
  await heading(page, "Enter the code");
  await enter(page, await newestCode(app, ada.e164));
  await heading(page, ada.name);
});

test("the log of all these tests contains no secret", async () => {
  const { page, ada } = await waiting(app);
  await chooseWay(page, /Code by text/);
  await heading(page, "Enter the code");
  const code = await newestCode(app, ada.e164);
  await enter(page, code);
  await heading(page, ada.name);
  const cookies = (await page.context().cookies(app.url)).map(({ value }) => value);
  const tokens = cookies.map((value) => decodeURIComponent(value).slice(-43));
  // The log of the last call may take a moment to get here.
  const log = await eventually(() => {
    assert.match(app.log(), /"message":"answered".*"route":"\/session\/verify"/);
    return app.log();
  });
  for (const secret of [PASSWORD, code, ada.email, ada.phone, "sandbox-api-key", ...cookies, ...tokens]) {
    assert.ok(secret.length > 5 && !log.includes(secret), `the log has ${secret}`);
  }
});
