// Money that is sent only when the phone approves exactly this.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { heading, signIn, startApp } from "./app.mjs";

let app;
before(async () => (app = await startApp()));
after(() => app.stop());

/** Signed in, the request is out. */
async function asked(amount = "1,250.00") {
  const visitor = await app.visitor();
  const { page } = visitor;
  const ada = app.person();
  await signIn(page, app, ada);
  await page.getByRole("link", { name: "Send", exact: true }).click();
  await heading(page, "Send money");
  await page.getByLabel("Amount in pounds").fill(amount);
  await page.getByRole("button", { name: "Ask my phone" }).click();
  await heading(page, "Approve this payment");
  return { ...visitor, ada };
}

/** The card on the sandbox's phone. */
async function card(context, ada) {
  const phone = await context.newPage();
  await phone.goto(app.sandbox.url);
  await phone.getByRole("button", { name: new RegExp(ada.email) }).click();
  const article = phone.getByRole("article");
  await article.waitFor();
  return article;
}

test("page and phone show the same figures, the thumb says yes, and it is paid once", async () => {
  const { page, context, problems, ada } = await asked();
  const number = await page.getByRole("group", { name: "Match number" }).locator("b").textContent();
  const article = await card(context, ada);
  for (const text of ["Send £1,250.00 to Charles Babbage?", "Brass gears", "£1,250.00", number]) {
    await article.getByText(text, { exact: true }).first().waitFor();
  }
  await article.getByRole("button", { name: "Approve" }).click();
  await heading(page, "Payment approved");
  const reference = await page.locator("dl").filter({ hasText: "Reference" }).textContent();
  const { approvalRequests: [{ uuid }] } = await app.sandbox.phone(ada.e164);
  assert.ok(reference.replaceAll("-", "").includes(uuid.slice(0, 8)), `${reference} ${uuid}`);
  await page.getByRole("button", { name: "Send another" }).click();
  await heading(page, "Send money");
  assert.deepEqual(problems, []);
});

test("the thumb says no: nothing is sent, and asking again is a new request", async () => {
  const { page, context, ada } = await asked("12.5");
  const article = await card(context, ada);
  await article.getByText("£12.50", { exact: true }).waitFor();
  await article.getByRole("button", { name: "Deny" }).click();
  await heading(page, "Payment denied");
  await page.getByText("Nothing was sent. This request is closed for good.").waitFor();
  await page.getByRole("button", { name: "Ask again" }).click();
  await heading(page, "Approve this payment");
  const { approvalRequests } = await app.sandbox.phone(ada.e164);
  assert.deepEqual(approvalRequests.slice(0, 2).map(({ status }) => status), ["pending", "denied"]);
  await app.sandbox.answer(approvalRequests[0].uuid, "approve");
  await heading(page, "Payment approved");
});

test("nobody answers: it expires, and the payment may be changed", async () => {
  const { page } = await asked();
  await app.sandbox.advance(121);
  await heading(page, "The request has expired");
  await page.getByRole("button", { name: "Change the payment" }).click();
  await heading(page, "Send money");
  assert.equal(await page.getByLabel("To", { exact: true }).inputValue(), "Charles Babbage");
});

test("cancelling forgets the request: its approval pays nothing", async () => {
  const { page, ada } = await asked();
  await page.getByRole("button", { name: "Cancel payment" }).click();
  await heading(page, "Send money");
  await page.getByText("approving it pays nothing").waitFor();
  const redeemed = [];
  page.on("request", (request) => request.url().endsWith("/redeem") && redeemed.push(request.url()));
  const { approvalRequests: [{ uuid }] } = await app.sandbox.phone(ada.e164);
  await app.sandbox.answer(uuid, "approve");
  await page.getByRole("button", { name: "Ask my phone" }).click();
  await heading(page, "Approve this payment");
  assert.deepEqual(redeemed, []);
});

test("an approval whose use got lost is used by trying again, once", async () => {
  const { page, ada } = await asked();
  // The server hears it; its answer is lost.
  await page.route("**/redeem", async (route) => {
    await route.fetch();
    await route.abort();
  });
  const { approvalRequests: [{ uuid }] } = await app.sandbox.phone(ada.e164);
  await app.sandbox.answer(uuid, "approve");
  await heading(page, "Approved, paying");
  await page.getByRole("alert").getByText("The server cannot be reached.").waitFor();
  await page.unroute("**/redeem");
  await page.getByRole("button", { name: "Try again" }).click();
  await heading(page, "Payment approved");
  assert.ok(await page.locator("h1").evaluate((title) => title === document.activeElement), "the heading has the focus");
});

test("what is wrong with a payment stands at its field before anybody is asked", async () => {
  const { page } = await app.visitor();
  const ada = app.person();
  await signIn(page, app, ada);
  await page.goto(`${app.url}/send`);
  await heading(page, "Send money");
  const before = (await app.sandbox.phone(ada.e164)).approvalRequests.length;
  for (const [field, value, text] of [
    ["To", "", "Say who gets it."],
    ["Amount in pounds", "a lot", "Write an amount like 12.50."],
    ["Amount in pounds", "12.345", "Write an amount like 12.50."],
    ["Amount in pounds", "0", "Nothing is no amount to send."],
    ["Amount in pounds", "4,310.23", "More than the account holds."],
  ]) {
    await page.reload();
    const control = page.getByLabel(field, { exact: true });
    await control.fill(value);
    await page.getByRole("button", { name: "Ask my phone" }).click();
    await page.getByRole("alert").getByText(text).waitFor();
    assert.ok(await control.evaluate((input) => input === document.activeElement));
  }
  assert.equal((await app.sandbox.phone(ada.e164)).approvalRequests.length, before);
});

test("a phone without the app is said, and the form is as it was", async () => {
  const { page } = await app.visitor();
  const ada = app.person();
  await signIn(page, app, ada);
  await app.sandbox.setApp(ada.e164, false);
  await page.goto(`${app.url}/send`);
  await page.getByLabel("Note (optional)").fill("More gears");
  await page.getByRole("button", { name: "Ask my phone" }).click();
  await page.getByRole("alert").getByText("No request can reach this phone").waitFor();
  assert.equal(await page.getByLabel("Note (optional)").inputValue(), "More gears");
});
