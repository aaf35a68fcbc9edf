// The main road with Twilio Verify in Authy's place: texts, WhatsApp, e-mail, and devices that the product's app registers.
import { test, before, after, afterEach } from "node:test";
import assert from "node:assert/strict";
import { accessible, answerRequest, enter, eventually, fits, hasCount, heading, logIn, newestCode, signUp, startApp } from "./app.mjs";

let app;
before(async () => (app = await startApp({ PROVIDER: "verify", CODE_CHANNELS: "sms,call,whatsapp,email" })));
afterEach(() => app.leave());
after(() => app.stop());

/** A signed-in visitor whose phone is verified. */
async function verified(options) {
  const visitor = await app.visitor(options);
  const ada = app.person();
  await signUp(visitor.page, app, ada);
  await visitor.page.goto(`${app.url}/verification`);
  await visitor.page.getByRole("button", { name: "Text me a code", exact: true }).click();
  await enter(visitor.page, await newestCode(app, ada.e164), "Verify phone");
  await heading(visitor.page, "Phone verified");
  return { ...visitor, ada };
}

/** What the product's app does on a phone: it gets a token of the signed-in person, and registers. */
async function registerDevice(page, ada, name) {
  const token = await page.evaluate(async () => {
    const headers = { "Content-Type": "application/json", "X-Session-Carrier": "cookie" };
    const answer = await fetch("/user/factors/push/token", { method: "POST", headers, body: "{}" });
    if (answer.status !== 201) throw new Error(await answer.text());
    return answer.json();
  });
  await app.sandbox.addDevice(ada.e164, { ...token, name });
}

async function logOut(page) {
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await heading(page, "Signed out");
}

test("a phone is verified by a text, its device registered, and the next sign-in approved on the phone's page", async () => {
  const { page, context, problems, ada } = await verified();
  await registerDevice(page, ada, "Ada's phone");
  await page.goto(`${app.url}/account/security`);
  await page.getByText("Ada's phone").waitFor();
  await page.getByRole("listitem").filter({ hasText: "Ada's phone" }).getByText(/Never used/).waitFor();
  await accessible(page, "security with a device");
  await logOut(page);
  await logIn(page, app, ada);
  await heading(page, "Enter the number on your phone");
  const phone = await context.newPage();
  await phone.goto(app.sandbox.url);
  await eventually(() => phone.getByRole("button", { name: new RegExp(ada.phone.slice(-6)) }).click({ timeout: 1000 }));
  await phone.getByRole("heading", { name: "Sign in to Countersign?" }).waitFor();
  const number = await phone.getByRole("article").getByRole("group", { name: "Match number" }).locator("b").textContent();
  await phone.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByLabel("Number on your phone").fill(number);
  await heading(page, ada.name);
  await page.goto(`${app.url}/account/security`);
  await page.getByRole("listitem").filter({ hasText: "Ada's phone" }).getByText(/Last used/).waitFor();
  assert.deepEqual(problems, []);
});

test("a denied request signs nobody in, and a code by another way does", async () => {
  const { page, problems, ada } = await verified();
  await registerDevice(page, ada, "Ada's phone");
  await logOut(page);
  await logIn(page, app, ada);
  await heading(page, "Enter the number on your phone");
  await answerRequest(app, ada.e164, "deny");
  await heading(page, "Denied on your phone");
  await page.goto(`${app.url}/2fa`);
  await heading(page, "Choose another way");
  // Only what can work is offered: Verify has no app of its own, and nobody has added an authenticator.
  const ways = await page.getByRole("listitem").getByRole("button").allTextContents();
  assert.deepEqual(ways.map((way) => way.replace(/(Last used|To |One tap).*/, "").trim()), ["Approve on the phone", "Code by WhatsApp", "Code by text", "Code by call", "Code by email"]);
  await accessible(page, "the other ways");
  await page.getByRole("button", { name: /Code by WhatsApp/ }).click();
  await heading(page, "Enter the code");
  await page.getByText(/by WhatsApp to/).waitFor();
  await enter(page, await newestCode(app, ada.e164));
  await heading(page, ada.name);
  await logOut(page);
  await logIn(page, app, ada);
  await heading(page, "Enter the number on your phone");
  await page.getByRole("link", { name: "Choose another way", exact: true }).click();
  const last = page.getByRole("listitem").filter({ hasText: "Last used" });
  await hasCount(last, 1);
  assert.match(await last.textContent(), /WhatsApp/);
  assert.deepEqual(problems, []);
});

test("without a device a text is sent, and a code by e-mail arrives in the mailbox", async () => {
  const { page, ada } = await verified();
  await logOut(page);
  await logIn(page, app, ada);
  await heading(page, "Enter the code");
  await app.sandbox.advance(31);
  await page.goto(`${app.url}/2fa`);
  await heading(page, "Choose another way");
  await hasCount(page.getByRole("button", { name: /Approve on the phone/ }), 0);
  await page.getByRole("button", { name: /Code by email/ }).click();
  await heading(page, "Enter the code");
  await page.getByText(/•••@example.com/).waitFor();
  const mailbox = await (await fetch(`${app.sandbox.url}/_sandbox/mailboxes/${ada.email}`)).json();
  await enter(page, mailbox.messages[0].code);
  await heading(page, ada.name);
});

test("a device is renamed at once, and removed after a code where the last one is long ago", async () => {
  const { page, problems, ada } = await verified({ viewport: { width: 390, height: 844 } });
  await registerDevice(page, ada, "Ada's phone");
  await page.goto(`${app.url}/account/security`);
  await page.getByRole("button", { name: "Rename Ada's phone" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Work phone");
  await page.getByRole("button", { name: "Save name", exact: true }).click();
  await page.getByText("Name saved.").waitFor();
  await fits(page, "security with a device");
  await app.sandbox.advance(21 * 60);
  await page.getByRole("button", { name: "Remove Work phone" }).click();
  await page.getByText(/Remove Work phone\?/).waitFor();
  await accessible(page, "removing a device");
  await page.getByRole("button", { name: "Remove method", exact: true }).click();
  await page.getByRole("heading", { name: "Verify it’s you" }).waitFor();
  await page.getByRole("button", { name: "Text me a code", exact: true }).click();
  // Only then the newest code on the phone is this one.
  await page.getByLabel("Code", { exact: true }).waitFor();
  await enter(page, await newestCode(app, ada.e164), "Verify code");
  await page.getByText("Sign-in method removed.").waitFor();
  await hasCount(page.getByText("Work phone"), 0);
  await logOut(page);
  await logIn(page, app, ada);
  await heading(page, "Enter the code");
  assert.deepEqual(problems, []);
});
