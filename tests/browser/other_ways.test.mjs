// The other sign-in methods: codes by text message, by call and from apps, and changing between them.
import { test, before, after, afterEach } from "node:test";
import assert from "node:assert/strict";
import { approve, chooseWay, enter, eventually, hasCount, heading, logIn, newestCode, openPhone, signIn, startApp, totp, waiting } from "./app.mjs";

let app;
before(async () => (app = await startApp()));
afterEach(() => app.leave());
after(() => app.stop());

/** The body of a provider's error. */
const refusal = (error_code) => ({ message: "no", success: false, errors: { message: "no" }, error_code });

for (const [way, said, via] of [[/Code by text/, "A code was texted to +44 •••-•••-", "sms"], [/Code by call/, "A call with a code goes to +44 •••-•••-", "call"]]) {
  test(`a code by ${via} is sent, the page says where, and it signs in`, async () => {
    const { page, problems, ada } = await waiting(app);
    await chooseWay(page, way);
    await heading(page, "Enter the code");
    await page.getByText(said + ada.phone.slice(-4)).waitFor();
    const { messages: [message] } = await app.sandbox.phone(ada.e164);
    assert.equal(message.via, via);
    await enter(page, message.code);
    await heading(page, ada.name);
    // At the next sign-in it is marked as the method used last.
    await page.getByRole("button", { name: "Log out", exact: true }).click();
    await heading(page, "Signed out");
    await logIn(page, app, ada);
    await heading(page, "Enter the number on your phone");
    await page.getByRole("link", { name: "Choose another way", exact: true }).click();
    await heading(page, "Choose another way");
    const marked = page.getByRole("listitem").filter({ hasText: "Last used" });
    await hasCount(marked, 1);
    assert.match(await marked.textContent(), way);
    assert.deepEqual(problems, []);
  });
}

test("the code of the provider's app signs in, and nothing is sent for it", async () => {
  const { page, context, problems, ada } = await waiting(app);
  await chooseWay(page, /Code from the app/);
  await heading(page, "Enter the code");
  await page.getByText("The one the app shows").waitFor();
  const phone = await openPhone(app, context, ada);
  await phone.getByRole("tab", { name: "Code", exact: true }).click();
  const shown = await phone.locator(".token .figure").textContent();
  assert.match(shown, /^\d{3} \d{4}$/);
  assert.deepEqual((await app.sandbox.phone(ada.e164)).messages, []);
  await enter(page, shown);
  await heading(page, ada.name);
  assert.deepEqual(problems, []);
});

test("if text messages cannot reach the phone, the page says that a call is made", async () => {
  const { page, ada } = await waiting(app);
  await app.sandbox.faults({ path: "/protected/json/sms", status: 403, body: refusal("60082") });
  await chooseWay(page, /Code by text/);
  await heading(page, "Enter the code");
  await page.getByText(/A text cannot reach .* A call with a code goes there\./).waitFor();
  await app.sandbox.clearFaults();
  await enter(page, await newestCode(app, ada.e164));
  await heading(page, ada.name);
});

test("if neither text messages nor calls reach it, the other methods stay available", async () => {
  const { page, ada } = await waiting(app);
  await app.sandbox.faults({ path: "/protected/json/", status: 403, body: refusal("60082") });
  await chooseWay(page, /Code by text/);
  await page.getByRole("alert").getByText("Text messages and calls can't reach this phone.").waitFor();
  await app.sandbox.clearFaults();
  await page.getByRole("button", { name: /Code from the app/ }).click();
  await heading(page, "Enter the code");
  await enter(page, (await app.sandbox.phone(ada.e164)).softToken);
  await heading(page, ada.name);
});

test("after a code was sent, text message and call are unavailable for a while, the other methods are not", async () => {
  const { page, ada } = await waiting(app);
  await chooseWay(page, /Code by text/);
  await heading(page, "Enter the code");
  await page.getByRole("link", { name: "Choose another way", exact: true }).click();
  await heading(page, "Choose another way");
  for (const name of [/Code by text/, /Code by call/]) {
    const way = page.getByRole("button", { name });
    await eventually(async () => {
      assert.ok(await way.isDisabled());
      assert.match(await way.textContent(), /Ready again in 0:\d\d/);
    });
  }
  // The approval request is still pending: back to its page.
  await page.getByRole("button", { name: /Approve on the phone/ }).click();
  await heading(page, "Enter the number on your phone");
  await approve(page, app, ada);
  await heading(page, ada.name);
});

test("an authenticator app is enrolled by a QR code shown once, and its codes sign in", async () => {
  const { page, problems } = await app.visitor();
  const ada = app.person();
  await signIn(page, app, ada);
  await page.getByRole("link", { name: "Add the authenticator app" }).click();
  await heading(page, "Add an authenticator app");
  await page.getByRole("button", { name: "Show QR code" }).click();
  const picture = page.getByRole("img", { name: "QR code for the authenticator app" });
  await picture.locator("svg path").first().waitFor();
  const key = (await page.locator("code").textContent()).replaceAll(" ", "");
  assert.match(key, /^[A-Z2-7]{32}$/);
  const field = page.getByLabel("Code from your authenticator app");
  await field.fill(String((Number(totp(key, Date.now())) + 1) % 1_000_000).padStart(6, "0"));
  await page.getByRole("button", { name: "Turn on", exact: true }).click();
  await page.getByRole("alert").getByText("Wrong code. Check that your phone’s clock is set automatically").waitFor();
  assert.equal(await page.locator("code").textContent().then((text) => text.replaceAll(" ", "")), key);
  // Computed only now, since the server accepts it for a minute at most.
  const code = totp(key, Date.now());
  await field.fill(`${code.slice(0, 3)} ${code.slice(3)}`);
  await page.getByRole("button", { name: "Turn on", exact: true }).click();
  await page.getByText("Authenticator app added.").waitFor();
  await page.getByRole("link", { name: "Back to your account" }).click();
  await page.getByRole("link", { name: "Replace the authenticator app" }).click();
  await heading(page, "Replace your authenticator app");
  await page.reload();
  await page.getByRole("button", { name: "Show QR code" }).waitFor();
  assert.equal(await page.getByText(key.slice(0, 4)).count(), 0);
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await heading(page, "Signed out");
  await logIn(page, app, ada);
  await heading(page, "Enter the number on your phone");
  await chooseWay(page, /Code from the app/);
  await heading(page, "Enter the code");
  // No test of this file advances the server's clock, so server and test have the same time. The code
  // of the step that turned the app on is used already; the code of the next step is accepted, too.
  await enter(page, totp(key, Date.now() + 30_000));
  await heading(page, ada.name);
  assert.deepEqual(problems, []);
});
