// Sending money: only after the phone has approved exactly this payment.
import { test, before, after, afterEach } from "node:test";
import assert from "node:assert/strict";
import { answerRequest, hasFocus, heading, openPhone, pendingRequest, signIn, startApp } from "./app.mjs";

let app;
before(async () => (app = await startApp()));
afterEach(() => app.leave());
after(() => app.stop());

/** A signed-in visitor whose payment waits for approval. */
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

/** The pending request on the sandbox's phone page. */
async function card(context, ada) {
  const phone = await openPhone(app, context, ada);
  const article = phone.getByRole("article");
  await article.waitFor();
  return article;
}

test("page and phone show the same figures, and an approved payment is paid once", async () => {
  const { page, context, problems, ada } = await asked();
  const number = await page.getByRole("group", { name: "Match number" }).locator("b").textContent();
  const article = await card(context, ada);
  for (const text of ["Send £1,250.00 to Charles Babbage?", "Brass gears", "£1,250.00", number]) {
    await article.getByText(text, { exact: true }).first().waitFor();
  }
  await article.getByRole("button", { name: "Approve", exact: true }).click();
  await heading(page, "Payment approved");
  const reference = await page.locator("dl").filter({ hasText: "Reference" }).textContent();
  const { approvalRequests: [{ uuid }] } = await app.sandbox.phone(ada.e164);
  assert.ok(reference.replaceAll("-", "").includes(uuid.slice(0, 8)), `${reference} ${uuid}`);
  await page.getByRole("button", { name: "Send another" }).click();
  await heading(page, "Send money");
  assert.deepEqual(problems, []);
});

test("a denied payment sends nothing, and asking again creates a new request", async () => {
  const { page, context, ada } = await asked("12.5");
  const article = await card(context, ada);
  await article.getByText("£12.50", { exact: true }).waitFor();
  await article.getByRole("button", { name: "Deny", exact: true }).click();
  await heading(page, "Payment denied");
  await page.getByText("Nothing was sent. This request is closed for good.").waitFor();
  await page.getByRole("button", { name: "Ask again" }).click();
  await heading(page, "Approve this payment");
  const uuid = await pendingRequest(app, ada.e164);
  const { approvalRequests } = await app.sandbox.phone(ada.e164);
  assert.deepEqual(approvalRequests.slice(0, 2).map(({ status }) => status), ["pending", "denied"]);
  await app.sandbox.answer(uuid, "approve");
  await heading(page, "Payment approved");
});

test("a request without an answer expires, and the payment can be changed", async () => {
  const { page } = await asked();
  await app.sandbox.advance(121);
  await heading(page, "The request has expired");
  await page.getByRole("button", { name: "Change the payment" }).click();
  await heading(page, "Send money");
  assert.equal(await page.getByLabel("To", { exact: true }).inputValue(), "Charles Babbage");
});

test("after cancelling, an approval of the request pays nothing", async () => {
  const { page, ada } = await asked();
  await page.getByRole("button", { name: "Cancel payment" }).click();
  await heading(page, "Send money");
  await page.getByText("approving it pays nothing").waitFor();
  const redeemed = [];
  page.on("request", (request) => request.url().endsWith("/redeem") && redeemed.push(request.url()));
  await answerRequest(app, ada.e164, "approve");
  await page.getByRole("button", { name: "Ask my phone" }).click();
  await heading(page, "Approve this payment");
  assert.deepEqual(redeemed, []);
});

test("if the response to the payment is lost, trying again pays once", async () => {
  const { page, ada } = await asked();
  // The server gets the request; its response is lost.
  await page.route("**/redeem", async (route) => {
    await route.fetch();
    await route.abort();
  });
  await answerRequest(app, ada.e164, "approve");
  await heading(page, "Approved, paying");
  await page.getByRole("alert").getByText("The server cannot be reached.").waitFor();
  await page.unroute("**/redeem");
  await page.getByRole("button", { name: "Try again" }).click();
  await heading(page, "Payment approved");
  await hasFocus(page.locator("h1"), "the heading has the focus");
});

test("a problem with a payment is shown at its field, and no request is created", async () => {
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
    await hasFocus(control);
  }
  assert.equal((await app.sandbox.phone(ada.e164)).approvalRequests.length, before);
});

test("that a phone has no app is shown, and the form keeps its values", async () => {
  const { page } = await app.visitor();
  const ada = app.person();
  await signIn(page, app, ada);
  await app.sandbox.setApp(ada.e164, false);
  await page.goto(`${app.url}/send`);
  await page.getByLabel("Note (optional)").fill("More gears");
  await page.getByRole("button", { name: "Ask my phone" }).click();
  await page.getByRole("alert").getByText("Approval requests can't reach this phone").waitFor();
  assert.equal(await page.getByLabel("Note (optional)").inputValue(), "More gears");
});
