// Signing up: advice, picker, phone, errors beside what caused them, the keyboard alone.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { PASSWORD, heading, makeAccount, startApp } from "./app.mjs";

let app;
before(async () => (app = await startApp()));
after(() => app.stop());

async function open(options) {
  const visitor = await app.visitor(options);
  await visitor.page.goto(`${app.url}/signup`);
  await heading(visitor.page, "Create your account");
  return visitor.page;
}

const country = (page) => page.getByRole("button", { name: /^Country/ });
const phone = (page) => page.getByLabel("Phone", { exact: true });

test("the country is the reader's own, and numbers are grouped as typed", async () => {
  const page = await open();
  assert.match(await country(page).textContent(), /GB.*United Kingdom.*\+44/);
  await phone(page).pressSequentially("7700900123");
  assert.equal(await phone(page).inputValue(), "7700 900123");
  await phone(page).fill("+1 212 555 0134");
  assert.match(await country(page).textContent(), /United States.*\+1/);
  assert.equal(await phone(page).inputValue(), "212 555 0134");
});

test("the picker is searched by name, code and letters, and works without a mouse", async () => {
  const page = await open();
  await country(page).focus();
  await page.keyboard.press("Enter");
  const search = page.getByRole("combobox");
  for (const [typed, expected] of [["port", /Portugal/], ["+351", /Portugal/], ["de", /DE|Denmark/], ["49", /Germany/]]) {
    await search.fill(typed);
    await page.getByRole("option", { name: expected }).first().waitFor();
  }
  await search.fill("nowhere");
  await page.getByText("No country matches.").waitFor();
  await search.fill("an");
  const [first, second] = [page.getByRole("option").nth(0), page.getByRole("option").nth(1)];
  assert.equal(await first.getAttribute("aria-selected"), "true");
  await page.keyboard.press("ArrowDown");
  assert.equal(await second.getAttribute("aria-selected"), "true");
  assert.equal(await search.getAttribute("aria-activedescendant"), await second.getAttribute("id"));
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("listbox").isVisible(), false);
  assert.ok(await country(page).evaluate((button) => button === document.activeElement));
  await page.keyboard.press("Enter");
  await search.fill("germany");
  await page.keyboard.press("Enter");
  assert.match(await country(page).textContent(), /Germany/);
  assert.ok(await phone(page).evaluate((input) => input === document.activeElement));
});

test("the advice is honest about length, common and personal passwords", async () => {
  const page = await open();
  await page.getByLabel("Full name").fill("Ada Lovelace");
  const password = page.getByLabel("Password", { exact: true });
  const met = () => page.locator(".advice li.met").count();
  await password.fill("lovelace");
  assert.equal(await met(), 2, "long enough and uncommon, but her name");
  await password.fill("football");
  assert.equal(await met(), 2, "long enough and not hers, but common");
  await password.fill(PASSWORD);
  assert.equal(await met(), 3);
  await page.getByText("19 characters. Long is what counts, and this is.").waitFor();
  await page.getByRole("button", { name: "Show password" }).click();
  assert.equal(await password.getAttribute("type"), "text");
});

test("errors stand beside their fields, go when mended, and nothing typed is lost", async () => {
  const page = await open();
  await page.getByLabel("Full name").fill("Ada Lovelace");
  await page.getByLabel("E-mail").fill("ada@example");
  await page.getByLabel("Password", { exact: true }).fill("lovelace1");
  await phone(page).pressSequentially("77009001");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText("Three fields need another look.").waitFor();
  for (const [id, text] of [
    ["email", "This e-mail has no ending, like .com."],
    ["password", "This password contains your name or e-mail. Pick words nobody links to you."],
    ["phone", "Too short for the United Kingdom: 8 digits, 9 to 10 needed."],
  ]) {
    const control = page.locator(`#${id}`);
    assert.equal(await control.getAttribute("aria-invalid"), "true");
    assert.ok((await control.getAttribute("aria-describedby")).split(" ").includes(`${id}-error`));
    assert.equal((await page.locator(`#${id}-error`).textContent()).trim(), text);
  }
  assert.ok(await page.locator("#email").evaluate((input) => input === document.activeElement), "the first wrong field has the focus");
  await page.getByLabel("E-mail").fill("ada@example.com");
  assert.equal(await page.locator("#email-error").count(), 0);
  assert.equal(await page.getByLabel("Full name").inputValue(), "Ada Lovelace");
});

test("a taken e-mail is said at the e-mail, by the server", async () => {
  const ada = app.person();
  await makeAccount(app, ada);
  const page = await open();
  await page.getByLabel("Full name").fill(ada.name);
  await page.getByLabel("E-mail").fill(ada.email.toUpperCase());
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await phone(page).pressSequentially("7700900999");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.locator("#email-error").getByText("This e-mail has an account already.").waitFor();
  assert.equal(await page.getByLabel("Password", { exact: true }).inputValue(), PASSWORD);
});

test("a server that is away is said, and trying again works", async () => {
  const page = await open();
  const ada = app.person();
  await page.getByLabel("Full name").fill(ada.name);
  await page.getByLabel("E-mail").fill(ada.email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await phone(page).pressSequentially(ada.phone);
  await page.route("**/user", (route) => route.abort());
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("alert").getByText("The server cannot be reached.").waitFor();
  await page.unroute("**/user");
  await page.getByRole("button", { name: "Create account" }).click();
  await heading(page, ada.name);
});

test("the whole sign-up works with the keyboard alone", async () => {
  const page = await open();
  const ada = app.person();
  await page.locator("#name").focus();
  for (const text of [ada.name, ada.email, PASSWORD]) {
    await page.keyboard.type(text);
    await page.keyboard.press("Tab");
  }
  // Past "Show password" and the country.
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.type(ada.phone);
  await page.keyboard.press("Enter");
  await heading(page, ada.name);
});
