// Verifying a phone on the page: the phone of an account, and any phone without an account.
import { test, before, after, afterEach } from "node:test";
import assert from "node:assert/strict";
import { enter, eventually, hasAttribute, hasCount, hasFocus, heading, hold, newestCode, signUp, startApp } from "./app.mjs";

let app;
before(async () => (app = await startApp()));
afterEach(() => app.leave());
after(() => app.stop());

for (const [button, via, said] of [["Text me a code", "sms", "Text message sent to"], ["Call me instead", "call", "Call to"]]) {
  test(`without an account, a phone is verified by ${via}`, async () => {
    const { page, problems } = await app.visitor();
    const ada = app.person();
    await page.goto(`${app.url}/verification`);
    await heading(page, "Verify your phone number");
    await page.getByLabel("Phone", { exact: true }).fill(`+44 0${ada.phone}`);
    await page.getByRole("button", { name: button }).click();
    await page.getByText(said).waitFor();
    const { messages: [message] } = await app.sandbox.phone(ada.e164);
    assert.equal(message.via, via);
    assert.match(message.code, /^\d{6}$/);
    const wrong = String((Number(message.code) + 1) % 1_000_000).padStart(6, "0");
    await enter(page, wrong, "Verify phone");
    await page.getByRole("alert").getByText("Wrong code. Check it and try again.").waitFor();
    await enter(page, message.code, "Verify phone");
    await heading(page, "Phone verified");
    const written = `+44 ${ada.phone.slice(0, 4)} ${ada.phone.slice(4)}`;
    await page.getByText(written).waitFor();
    // The browser keeps the result, which gives no access to an account.
    await page.reload();
    await page.getByText(written).waitFor();
    await page.goto(`${app.url}/protected`);
    await heading(page, "Log in");
    assert.deepEqual(problems, []);
  });
}

test("an impossible number is reported at its field, and another can be entered", async () => {
  const { page } = await app.visitor();
  const ada = app.person();
  await page.goto(`${app.url}/verification`);
  const number = page.getByLabel("Phone", { exact: true });
  await number.fill("+44 123");
  await page.getByRole("button", { name: "Text me a code" }).click();
  await page.locator("#phone-error").getByText(/Too short|Not a length/).waitFor();
  await hasAttribute(number, "aria-invalid", "true");
  await number.fill(ada.e164);
  await page.getByRole("button", { name: "Text me a code" }).click();
  await page.getByText("Text message sent to").waitFor();
  await page.getByRole("button", { name: "Wrong number?" }).click();
  await page.getByRole("button", { name: "Text me a code" }).waitFor();
});

test("a code can be entered after a reload, and leaving the page during the check is harmless", async () => {
  const { page, problems } = await app.visitor();
  const ada = app.person();
  await signUp(page, app, ada);
  await page.getByRole("link", { name: "Verify phone" }).click();
  await page.getByRole("button", { name: "Text me a code" }).click();
  const field = page.getByLabel("Code", { exact: true });
  await field.waitFor();
  await hasFocus(field, "the field has the focus");
  await page.reload();
  // Too soon for another code: the page shows the field for the one that was sent.
  await page.getByRole("button", { name: "Text me a code" }).click();
  await field.waitFor();
  await page.reload();
  await page.getByRole("button", { name: "I have a code" }).click();
  const check = await hold(page, "**/verify");
  await enter(page, await newestCode(app, ada.e164), "Verify phone");
  await check.started();
  await page.getByRole("link", { name: "Account", exact: true }).click();
  await heading(page, ada.name);
  await check.release();
  await page.getByText("Verified", { exact: true }).waitFor();
  assert.deepEqual(problems, []);
});

test("without a verified phone, the page that confirms it leads to verification", async () => {
  const { page } = await app.visitor();
  await page.goto(`${app.url}/verified`);
  await heading(page, "Verify your phone number");
});

test("the banner is shown on every page until the phone of the account is verified", async () => {
  const { page, problems } = await app.visitor();
  const ada = app.person();
  await signUp(page, app, ada);
  const banner = page.getByRole("complementary", { name: "Your phone" });
  await banner.waitFor();
  await page.goto(app.url);
  await banner.waitFor();
  // Pages that need a verified phone lead to its verification.
  for (const path of ["/protected", "/send", "/authenticator"]) {
    await page.goto(app.url + path);
    await heading(page, "Verify your phone number");
    await hasCount(banner, 0);
  }
  await page.getByRole("button", { name: "Call me instead" }).click();
  await page.getByText("A call with a code goes to").waitFor();
  await enter(page, await newestCode(app, ada.e164), "Verify phone");
  await heading(page, "Phone verified");
  await hasCount(banner, 0);
  await page.getByRole("link", { name: "Open the protected page" }).click();
  await page.getByText("Signed in as", { exact: true }).waitFor();
  // The confirmation arrives on the phone, and the account page shows its delivery status.
  await eventually(async () => {
    const { messages: [text] } = await app.sandbox.phone(ada.e164);
    assert.match(text.body, /this phone number is verified/);
    assert.equal(text.code, undefined);
  });
  await page.getByRole("link", { name: "Your account", exact: true }).click();
  await page.getByText("Confirmation: delivered").waitFor();
  assert.deepEqual(problems, []);
});
