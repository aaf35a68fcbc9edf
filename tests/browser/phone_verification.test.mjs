// Proving a phone in the page: of an account, of nobody in particular.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { enter, heading, newestCode, signUp, startApp } from "./app.mjs";

let app;
before(async () => (app = await startApp()));
after(() => app.stop());

for (const [button, via, said] of [["Text me a code", "sms", "Text message sent to"], ["Call me instead", "call", "Call to"]]) {
  test(`without an account a phone is proven by ${via}`, async () => {
    const { page, problems } = await app.visitor();
    const ada = app.person();
    await page.goto(`${app.url}/verification`);
    await heading(page, "Prove this is your phone");
    await page.getByLabel("Phone", { exact: true }).fill(`+44 0${ada.phone}`);
    await page.getByRole("button", { name: button }).click();
    await page.getByText(said).waitFor();
    const { messages: [message] } = await app.sandbox.phone(ada.e164);
    assert.equal(message.via, via);
    assert.match(message.code, /^\d{6}$/);
    const wrong = String((Number(message.code) + 1) % 1_000_000).padStart(6, "0");
    await enter(page, wrong, "Verify phone");
    await page.getByRole("alert").getByText("That is not the code we sent.").waitFor();
    await enter(page, message.code, "Verify phone");
    await heading(page, "Phone verified");
    const written = `+44 ${ada.phone.slice(0, 4)} ${ada.phone.slice(4)}`;
    await page.getByText(written).waitFor();
    // The browser remembers it, and it opens no account.
    await page.reload();
    await page.getByText(written).waitFor();
    await page.goto(`${app.url}/protected`);
    await heading(page, "Log in");
    assert.deepEqual(problems, []);
  });
}

test("a number that cannot be is said at its field, and another may be tried", async () => {
  const { page } = await app.visitor();
  const ada = app.person();
  await page.goto(`${app.url}/verification`);
  const number = page.getByLabel("Phone", { exact: true });
  await number.fill("+44 123");
  await page.getByRole("button", { name: "Text me a code" }).click();
  await page.locator("#phone-error").getByText(/Too short|Not a length/).waitFor();
  assert.equal(await number.getAttribute("aria-invalid"), "true");
  await number.fill(ada.e164);
  await page.getByRole("button", { name: "Text me a code" }).click();
  await page.getByText("Text message sent to").waitFor();
  await page.getByRole("button", { name: "Wrong number?" }).click();
  await page.getByRole("button", { name: "Text me a code" }).waitFor();
});

test("a code in hand can be typed after a reload, and leaving in the middle breaks nothing", async () => {
  const { page, problems } = await app.visitor();
  const ada = app.person();
  await signUp(page, app, ada);
  await page.getByRole("link", { name: "Verify phone" }).click();
  await page.getByRole("button", { name: "Text me a code" }).click();
  const field = page.getByLabel("Code", { exact: true });
  await field.waitFor();
  assert.ok(await field.evaluate((input) => input === document.activeElement), "the field has the focus");
  await page.reload();
  // Too soon for another: the page keeps the field for the one that was sent.
  await page.getByRole("button", { name: "Text me a code" }).click();
  await field.waitFor();
  await page.reload();
  await page.getByRole("button", { name: "I have a code" }).click();
  let release;
  await page.route("**/verify", async (route) => {
    await new Promise((done) => (release = done));
    await route.continue();
  });
  await enter(page, await newestCode(app, ada.e164), "Verify phone");
  await page.getByRole("link", { name: "Account", exact: true }).click();
  await heading(page, ada.name);
  release();
  await page.getByText("Verified", { exact: true }).waitFor();
  assert.deepEqual(problems, []);
});

test("nobody without a proven phone sees the page that says so", async () => {
  const { page } = await app.visitor();
  await page.goto(`${app.url}/verified`);
  await heading(page, "Prove this is your phone");
});

test("the banner stays on every page until the phone of the account is proven", async () => {
  const { page, problems } = await app.visitor();
  const ada = app.person();
  await signUp(page, app, ada);
  const banner = page.getByRole("complementary", { name: "Your phone" });
  await banner.waitFor();
  await page.goto(app.url);
  await banner.waitFor();
  // What needs a proven phone leads to proving it.
  for (const path of ["/protected", "/send", "/authenticator"]) {
    await page.goto(app.url + path);
    await heading(page, "Prove this is your phone");
    assert.equal(await banner.count(), 0);
  }
  await page.getByRole("button", { name: "Call me instead" }).click();
  await page.getByText("A call with a code goes to").waitFor();
  await enter(page, await newestCode(app, ada.e164), "Verify phone");
  await heading(page, "Phone verified");
  assert.equal(await banner.count(), 0);
  await page.getByRole("link", { name: "Open the protected page" }).click();
  await page.getByText("Both halves met: this page is for you alone.").waitFor();
  // The confirmation is on the phone, and the account page says what became of it.
  const { messages: [text] } = await app.sandbox.phone(ada.e164);
  assert.match(text.body, /second half of your Countersign account/);
  await page.getByRole("link", { name: "Your account" }).click();
  await page.getByText("Confirmation: delivered").waitFor();
  assert.deepEqual(problems, []);
});
