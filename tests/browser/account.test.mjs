// An account from the first minute to the lost phone, and what its owner looks after.
import { test, before, after, afterEach } from "node:test";
import assert from "node:assert/strict";
import {
  PASSWORD, answerRequest, approve, enter, eventually, hasCount, hasFocus, heading, logIn, mail, makeAccount, newestCode, signIn, signUp,
  startApp, totp, verifyEmail,
} from "./app.mjs";

const NEW_PASSWORD = "looms and punched cards";

let app;
before(async () => (app = await startApp()));
afterEach(() => app.leave());
after(() => app.stop());

async function logOut(page) {
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await heading(page, "Signed out");
}

/** Someone who is signed in by push and number, and whose e-mail is verified. */
async function owner(options) {
  const visitor = await app.visitor(options);
  const ada = app.person();
  await signIn(visitor.page, app, ada);
  await verifyEmail(visitor.page, app, ada);
  return { ...visitor, ada };
}

/** The codes on the page of recovery codes. */
async function makeCodes(page) {
  await page.getByRole("button", { name: "Create recovery codes" }).click();
  await heading(page, "Your recovery codes");
  const codes = await page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").allTextContents();
  assert.equal(codes.length, 10);
  return codes.map((code) => code.trim());
}

test("sign up, authenticator, recovery codes, new device, phone lost, recovery, new phone, and all of it is told", async () => {
  const { page, problems } = await app.visitor();
  const ada = app.person();
  await signUp(page, app, ada);
  await page.getByRole("link", { name: "Verify phone" }).click();
  await page.getByRole("button", { name: "Text me a code" }).click();
  await enter(page, await newestCode(app, ada.e164), "Verify phone");
  await heading(page, "Phone verified");
  await verifyEmail(page, app, ada);

  // An authenticator app, and recovery codes, which are offered then.
  await page.goto(`${app.url}/authenticator`);
  await page.getByRole("button", { name: "Show QR code" }).click();
  const key = (await page.locator("code").textContent()).replaceAll(" ", "");
  await page.getByLabel("Code from your authenticator app").fill(totp(key, Date.now()));
  await page.getByRole("button", { name: "Turn on", exact: true }).click();
  await page.getByText("Authenticator app added.").waitFor();
  await page.goto(`${app.url}/account`);
  await page.getByRole("link", { name: "Create recovery codes" }).click();
  await heading(page, "Save your recovery codes");
  const codes = await makeCodes(page);
  const finish = page.getByRole("button", { name: "Finish" });
  assert.ok(await finish.isDisabled());
  // Nobody loses them by following a link.
  const asked = new Promise((resolve) => page.once("dialog", (dialog) => dialog.dismiss().then(() => resolve(dialog.type()))));
  await page.getByRole("link", { name: "Account", exact: true }).click();
  assert.equal(await asked, "beforeunload");
  for (const leave of [() => page.evaluate(() => history.back()), () => page.getByRole("button", { name: "Log out" }).click()]) {
    const question = new Promise((resolve) => page.once("dialog", (dialog) => dialog.dismiss().then(() => resolve(dialog.type()))));
    await leave();
    assert.equal(await question, "confirm");
  }
  assert.equal(new URL(page.url()).pathname, "/account/recovery-codes");
  await heading(page, "Your recovery codes");
  await page.getByLabel("I’ve saved these codes").check();
  await finish.click();
  await heading(page, "Security");
  await page.getByText("10 recovery codes left").waitFor();

  // A new device.
  const other = await app.visitor({ userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" });
  await logIn(other.page, app, ada);
  await other.page.getByRole("link", { name: "Choose another way", exact: true }).click();
  await other.page.getByRole("button", { name: /Code from the app/ }).click();
  await enter(other.page, totp(key, Date.now() + 30_000));
  await heading(other.page, ada.name);
  await mail(app, ada.email, "New sign-in to Countersign");

  // The phone is lost, and the app with it. A recovery code opens the account.
  const third = await app.visitor();
  await logIn(third.page, app, ada);
  await third.page.getByRole("link", { name: "Choose another way", exact: true }).click();
  await third.page.getByRole("button", { name: /Recovery code/ }).click();
  await heading(third.page, "Enter a recovery code");
  const field = third.page.getByLabel("Recovery code", { exact: true });
  await field.fill("00000-00000-00000");
  await third.page.getByRole("button", { name: "Verify code" }).click();
  await third.page.getByRole("alert").getByText("Wrong code.").waitFor();
  await hasFocus(field, "the field, for another try");
  await field.fill(codes[0].toUpperCase());
  await third.page.getByRole("button", { name: "Verify code" }).click();
  await heading(third.page, ada.name);

  // A new phone; the sessions of before are gone.
  const next = app.person();
  await third.page.goto(`${app.url}/account/phone`);
  await third.page.getByLabel("New phone number", { exact: true }).fill(next.phone);
  await third.page.getByRole("button", { name: "Send code" }).click();
  await third.page.getByLabel("Code", { exact: true }).fill(await newestCode(app, next.e164));
  await third.page.getByRole("button", { name: "Verify phone number" }).click();
  await third.page.getByText(/Your phone number is now/).waitFor();
  for (const old of [page, other.page]) {
    await old.goto(`${app.url}/account`);
    await heading(old, "Log in");
  }

  // The activity and the mailbox tell it all.
  await third.page.goto(`${app.url}/account/activity`);
  const told = ["Phone number changed", "Recovery code used", "Signed in", "Recovery codes created", "Sign-in method added", "Phone number verified", "Email verified"];
  for (const event of told) await third.page.getByText(event, { exact: true }).first().waitFor();
  await third.page.getByRole("button", { name: /older activity/ }).waitFor({ state: "detached" });
  for (const subject of ["Sign-in method added", "New sign-in to Countersign", "A recovery code was used", "Your phone number was changed"]) {
    await mail(app, ada.email, subject);
  }
  assert.deepEqual([...problems, ...other.problems, ...third.problems], []);
});

test("a forgotten password is set by a link, and the phone is asked as before", async () => {
  const { page, problems, ada } = await owner();
  await logOut(page);
  await page.goto(`${app.url}/login`);
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await heading(page, "Reset your password");
  await page.getByLabel("Email", { exact: true }).fill(ada.email);
  await page.getByRole("button", { name: "Send reset link" }).click();
  await page.getByText("If an account uses this email, you’ll get a link").waitFor();
  const { link } = await mail(app, ada.email, "Reset your Countersign password");
  await page.goto(link);
  await heading(page, "Set a new password");
  // Nobody who looks at the address bar, and no history, has the token.
  assert.equal(new URL(page.url()).hash, "");
  await page.getByLabel(/password/i).first().waitFor();
  await page.locator("input[autocomplete=new-password]").fill(NEW_PASSWORD);
  await page.getByRole("button", { name: "Set new password" }).click();
  await page.getByText("Password changed. Sign in with your new password.").waitFor();
  await logIn(page, app, ada, NEW_PASSWORD);
  await heading(page, "Enter the number on your phone");
  await approve(page, app, ada);
  await heading(page, ada.name);
  // The link works once.
  const second = await app.visitor();
  await second.page.goto(link);
  await second.page.locator("input[autocomplete=new-password]").fill(PASSWORD);
  await second.page.getByRole("button", { name: "Set new password" }).click();
  await second.page.getByText("This link has expired or was already used.").waitFor();
  assert.deepEqual(problems, []);
});

test("“This wasn’t me” acts when its button is pressed, and not when it is opened", async () => {
  const { page, ada } = await owner();
  await page.goto(`${app.url}/account/recovery-codes`);
  await makeCodes(page);
  const { link } = await mail(app, ada.email, "Sign-in method added");
  const reader = await app.visitor();
  await reader.page.goto(link);
  await heading(reader.page, "Secure your account");
  await reader.page.reload();
  assert.equal((await page.request.get(`${app.url}/user`)).status(), 200, "nothing has happened");
  await reader.page.goto(link);
  await reader.page.getByRole("button", { name: "Secure my account" }).click();
  await reader.page.getByText("All sessions were ended. To set a new password, open the link we sent to your email.").waitFor();
  assert.equal((await page.request.get(`${app.url}/user`)).status(), 403);
  await mail(app, ada.email, "Reset your Countersign password");
  await logIn(reader.page, app, ada);
  await reader.page.getByText("Wrong email or password.").waitFor();
});

test("in a remembered browser the password is enough, until it is removed", async () => {
  const { page, ada, problems } = await owner();
  await logOut(page);
  await logIn(page, app, ada);
  await heading(page, "Enter the number on your phone");
  await page.getByLabel("Remember this device for 30 days").check();
  await approve(page, app, ada);
  await heading(page, ada.name);
  await logOut(page);
  await logIn(page, app, ada);
  await heading(page, ada.name);
  await page.goto(`${app.url}/account/sessions`);
  await page.getByRole("listitem").filter({ hasText: "Remembered device" }).waitFor();
  await page.getByRole("button", { name: /Remove device/ }).click();
  await page.getByText("No remembered devices.").waitFor();
  await logOut(page);
  await logIn(page, app, ada);
  await heading(page, "Enter the number on your phone");
  assert.deepEqual(problems, []);
});

test("other sessions are listed and ended, one by one and together", async () => {
  const { page, ada } = await owner();
  const others = [await app.visitor(), await app.visitor()];
  for (const other of others) {
    await logIn(other.page, app, ada);
    await heading(other.page, "Enter the number on your phone");
    await approve(other.page, app, ada);
    await heading(other.page, ada.name);
  }
  await page.goto(`${app.url}/account/sessions`);
  await hasCount(page.getByRole("button", { name: /^End session/ }), 2);
  await page.getByRole("button", { name: /^End session/ }).first().click();
  await hasCount(page.getByRole("button", { name: /^End session/ }), 1);
  await page.getByRole("button", { name: "End other sessions" }).click();
  await page.getByText("You’re not signed in anywhere else.").waitFor();
  for (const other of others) {
    await other.page.goto(`${app.url}/account`);
    await heading(other.page, "Log in");
  }
});

test("a denied sign-in is asked about in a signed-in session, and “no” secures the account", async () => {
  const { page, ada } = await owner();
  const thief = await app.visitor();
  await logIn(thief.page, app, ada);
  await heading(thief.page, "Enter the number on your phone");
  await answerRequest(app, ada.e164, "deny");
  await heading(thief.page, "Denied on your phone");
  await hasCount(thief.page.getByText("Was this you?"), 0);
  await page.goto(`${app.url}/account`);
  await page.getByRole("heading", { name: "Was this you?" }).waitFor();
  await page.getByRole("button", { name: "No, secure my account" }).click();
  await page.getByText("All sessions were ended.").waitFor();
  await thief.page.goto(`${app.url}/approve`);
  await heading(thief.page, "Log in");
  await mail(app, ada.email, "A sign-in was denied");
});

test("password and e-mail are changed, and the step-up is asked for where it is missing", async () => {
  const { page, ada, problems } = await owner();
  await page.goto(`${app.url}/account/password`);
  await page.getByLabel("Current password", { exact: true }).fill("not the password");
  await page.locator("input[autocomplete=new-password]").fill(NEW_PASSWORD);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByRole("alert").getByText("Wrong current password.").waitFor();
  await page.getByLabel("Current password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Password changed. All other sessions were ended.").waitFor();
  await app.sandbox.advance(20 * 60 + 1);
  await page.goto(`${app.url}/account/email`);
  await page.getByLabel("New email", { exact: true }).fill(`new-${ada.email}`);
  await page.getByRole("button", { name: "Send verification link" }).click();
  await page.getByRole("heading", { name: "Verify it’s you" }).waitFor();
  await page.getByRole("button", { name: "Text me a code" }).click();
  await enter(page, await newestCode(app, ada.e164), "Verify code");
  // What was typed is done now.
  await page.getByText(`new-${ada.email}`).waitFor();
  const { link } = await mail(app, `new-${ada.email}`, "Verify your new email");
  await page.goto(link);
  await page.getByRole("button", { name: "Verify email" }).click();
  await page.getByText(`Your email is now new-${ada.email}.`).waitFor();
  await mail(app, ada.email, "Your email was changed");
  assert.deepEqual(problems, []);
});

test("what is stored is downloaded, and the account deleted", async () => {
  const { page, ada, problems } = await owner();
  await page.goto(`${app.url}/account/data`);
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download my data" }).click();
  assert.equal((await download).suggestedFilename(), "account.json");
  await page.getByRole("button", { name: "Delete account" }).click();
  await page.getByLabel("Enter your password to delete the account").fill(PASSWORD);
  await page.getByRole("button", { name: "Delete account" }).click();
  await heading(page, "Your account was deleted.");
  await logIn(page, app, ada);
  await page.getByText("Wrong email or password.").waitFor();
  assert.deepEqual(problems, []);
});

test("a mistyped phone of a fresh sign-up is corrected with the password", async () => {
  const { page } = await app.visitor();
  const [ada, right] = [app.person(), app.person()];
  await signUp(page, app, ada);
  await page.goto(`${app.url}/account/phone`);
  await page.getByLabel("New phone number", { exact: true }).fill(right.phone);
  await page.getByLabel("Current password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Send code" }).click();
  await page.getByLabel("Code", { exact: true }).fill(await newestCode(app, right.e164));
  await page.getByRole("button", { name: "Verify phone number" }).click();
  await page.getByText(/Your phone number is now/).waitFor();
  await eventually(async () => assert.equal((await (await page.request.get(`${app.url}/user`)).json()).verified, true));
});
