// Every other way to the second factor: by text, by call, from the app, and from one to the next.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { chooseWay, enter, heading, logIn, newestCode, signIn, startApp, waiting } from "./app.mjs";

let app;
before(async () => (app = await startApp()));
after(() => app.stop());

const refusal = (error_code) => ({ message: "no", success: false, errors: { message: "no" }, error_code });

/** The code an app shows that knows this key (RFC 6238). */
function totp(key, at) {
  const bits = [...key].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const bytes = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const hash = createHmac("sha1", bytes).update(step).digest();
  const word = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
  return String(word % 1_000_000).padStart(6, "0");
}

for (const [way, said, via] of [[/Code by text/, "A code was texted to +44 •••-•••-", "sms"], [/Code by call/, "A call with a code goes to +44 •••-•••-", "call"]]) {
  test(`a code by ${via} is chosen, said where it went, and signs in`, async () => {
    const { page, problems, ada } = await waiting(app);
    await chooseWay(page, way);
    await heading(page, "Enter the code");
    await page.getByText(said + ada.phone.slice(-4)).waitFor();
    const { messages: [message] } = await app.sandbox.phone(ada.e164);
    assert.equal(message.via, via);
    await enter(page, message.code);
    await heading(page, ada.name);
    // Next time it is marked as the way that worked.
    await page.getByRole("button", { name: "Log out" }).click();
    await heading(page, "Signed out");
    await logIn(page, app, ada);
    await heading(page, "Approve on your phone");
    await page.getByRole("link", { name: "Choose another way" }).click();
    const marked = page.getByRole("listitem").filter({ hasText: "Last used" });
    assert.equal(await marked.count(), 1);
    assert.match(await marked.textContent(), way);
    assert.deepEqual(problems, []);
  });
}

test("the code the app shows signs in, and nothing is sent for it", async () => {
  const { page, context, problems, ada } = await waiting(app);
  await chooseWay(page, /Code from the app/);
  await heading(page, "Enter the code");
  await page.getByText("The one the app shows").waitFor();
  const phone = await context.newPage();
  await phone.goto(app.sandbox.url);
  await phone.getByRole("button", { name: new RegExp(ada.email) }).click();
  await phone.getByRole("tab", { name: "Code" }).click();
  const shown = await phone.locator(".token .figure").textContent();
  assert.match(shown, /^\d{3} \d{4}$/);
  assert.deepEqual((await app.sandbox.phone(ada.e164)).messages, []);
  await enter(page, shown);
  await heading(page, ada.name);
  assert.deepEqual(problems, []);
});

test("where a text cannot reach the phone, the page says that a call goes there", async () => {
  const { page, ada } = await waiting(app);
  await app.sandbox.faults({ path: "/protected/json/sms", status: 403, body: refusal("60082") });
  await chooseWay(page, /Code by text/);
  await heading(page, "Enter the code");
  await page.getByText(/A text cannot reach .* A call with a code goes there\./).waitFor();
  await app.sandbox.clearFaults();
  await enter(page, await newestCode(app, ada.e164));
  await heading(page, ada.name);
});

test("where neither reaches it, the other ways are still at hand", async () => {
  const { page, ada } = await waiting(app);
  await app.sandbox.faults({ path: "/protected/json/", status: 403, body: refusal("60082") });
  await chooseWay(page, /Code by text/);
  await page.getByRole("alert").getByText("Neither a text nor a call can reach this phone.").waitFor();
  await app.sandbox.clearFaults();
  await page.getByRole("button", { name: /Code from the app/ }).click();
  await heading(page, "Enter the code");
  await enter(page, (await app.sandbox.phone(ada.e164)).softToken);
  await heading(page, ada.name);
});

test("a code sent a moment ago closes both its ways for a while and leaves the others", async () => {
  const { page, ada } = await waiting(app);
  await chooseWay(page, /Code by text/);
  await heading(page, "Enter the code");
  await page.getByRole("link", { name: "Choose another way" }).click();
  for (const name of [/Code by text/, /Code by call/]) {
    const way = page.getByRole("button", { name });
    assert.ok(await way.isDisabled());
    assert.match(await way.textContent(), /Ready again in 0:\d\d/);
  }
  // The push is still open: back to it.
  await page.getByRole("button", { name: /Approve on the phone/ }).click();
  await heading(page, "Approve on your phone");
  const { approvalRequests: [{ uuid }] } = await app.sandbox.phone(ada.e164);
  await app.sandbox.answer(uuid, "approve");
  await heading(page, ada.name);
});

test("an authenticator app is enrolled by a picture shown once, and its codes sign in", async () => {
  const { page, problems } = await app.visitor();
  const ada = app.person();
  await signIn(page, app, ada);
  await page.getByRole("link", { name: "Add the authenticator app" }).click();
  await heading(page, "Add an authenticator app");
  await page.getByRole("button", { name: "Show the code" }).click();
  const picture = page.getByRole("img", { name: "QR code for the authenticator app" });
  await picture.locator("svg path").first().waitFor();
  const key = (await page.locator("code").textContent()).replaceAll(" ", "");
  assert.match(key, /^[A-Z2-7]{32}$/);
  await page.reload();
  await page.getByRole("button", { name: "Replace the app" }).waitFor();
  assert.equal(await page.getByText(key.slice(0, 4)).count(), 0);
  await page.getByRole("button", { name: "Log out" }).click();
  await heading(page, "Signed out");
  await logIn(page, app, ada);
  await heading(page, "Approve on your phone");
  await chooseWay(page, /Code from the app/);
  await heading(page, "Enter the code");
  // Nothing has moved the clock in this file: server and test live in the same minute.
  await enter(page, totp(key, Date.now()));
  await heading(page, ada.name);
  assert.deepEqual(problems, []);
});
