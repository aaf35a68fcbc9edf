// Creating an account: password advice, country picker, phone number, errors at their fields, keyboard.
import { test, before, after, afterEach } from "node:test";
import assert from "node:assert/strict";
import { PASSWORD, eventually, hasAttribute, hasCount, hasFocus, heading, makeAccount, startApp } from "./app.mjs";

let app;
before(async () => (app = await startApp()));
afterEach(() => app.leave());
after(() => app.stop());

async function open(options) {
  const visitor = await app.visitor(options);
  await visitor.page.goto(`${app.url}/signup`);
  await heading(visitor.page, "Create your account");
  return visitor.page;
}

const country = (page) => page.getByRole("button", { name: /^Country/ });
const phone = (page) => page.getByLabel("Phone", { exact: true });

/** Waits until an element's text matches. */
const hasText = (locator, pattern) => eventually(async () => assert.match(await locator.textContent(), pattern));
/** Waits until a field has a value. */
const hasValue = (field, value) => eventually(async () => assert.equal(await field.inputValue(), value));

test("the country is that of the browser's language, and numbers are grouped as typed", async () => {
  const page = await open();
  await hasText(country(page), /GB.*United Kingdom.*\+44/);
  await phone(page).pressSequentially("7700900123");
  await hasValue(phone(page), "7700 900123");
  await phone(page).fill("+1 212 555 0134");
  await hasText(country(page), /United States.*\+1/);
  await hasValue(phone(page), "212 555 0134");
});

test("countries are found by name, calling code and ISO code, and chosen with the keyboard", async () => {
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
  await hasAttribute(first, "aria-selected", "true");
  await page.keyboard.press("ArrowDown");
  await hasAttribute(second, "aria-selected", "true");
  await hasAttribute(search, "aria-activedescendant", await second.getAttribute("id"));
  await page.keyboard.press("Escape");
  await page.getByRole("listbox").waitFor({ state: "hidden" });
  await hasFocus(country(page));
  await page.keyboard.press("Enter");
  await search.fill("germany");
  await page.keyboard.press("Enter");
  await hasText(country(page), /Germany/);
  await hasFocus(phone(page));
});

test("the advice names length, common passwords and personal data", async () => {
  const page = await open();
  await page.getByLabel("Full name", { exact: true }).fill("Ada Lovelace");
  const password = page.getByLabel("Password", { exact: true });
  // In the order of the list: length, common passwords, personal data.
  const items = page.locator(".advice li");
  const checks = (...expected) => eventually(async () => {
    assert.deepEqual(await items.evaluateAll((all) => all.map((item) => item.classList.contains("met"))), expected);
  });
  await password.fill("lovelace");
  await checks(true, true, false);
  await password.fill("football");
  await checks(true, false, true);
  await password.fill(PASSWORD);
  await checks(true, true, true);
  await page.getByText("19 characters. Long is what counts, and this is.").waitFor();
  await page.getByRole("button", { name: "Show password" }).click();
  await hasAttribute(password, "type", "text");
});

test("errors are shown at their fields and removed when fixed, and no input is lost", async () => {
  const page = await open();
  await page.getByLabel("Full name", { exact: true }).fill("Ada Lovelace");
  await page.getByLabel("E-mail", { exact: true }).fill("ada@example");
  await page.getByLabel("Password", { exact: true }).fill("lovelace1");
  await phone(page).pressSequentially("77009001");
  await page.getByRole("button", { name: "Create account", exact: true }).click();
  await page.getByText("Three fields need another look.").waitFor();
  for (const [id, text] of [
    ["email", "This e-mail has no ending, like .com."],
    ["password", "This password contains your name or e-mail. Pick words nobody links to you."],
    ["phone", "Too short for the United Kingdom: 8 digits, 9 to 10 needed."],
  ]) {
    const control = page.locator(`#${id}`);
    await hasAttribute(control, "aria-invalid", "true");
    await eventually(async () => {
      assert.ok((await control.getAttribute("aria-describedby")).split(" ").includes(`${id}-error`));
      assert.equal((await page.locator(`#${id}-error`).textContent()).trim(), text);
    });
  }
  await hasFocus(page.locator("#email"), "the first field with an error has the focus");
  await page.getByLabel("E-mail", { exact: true }).fill("ada@example.com");
  await hasCount(page.locator("#email-error"), 0);
  assert.equal(await page.getByLabel("Full name", { exact: true }).inputValue(), "Ada Lovelace");
});

test("the server's error for a taken e-mail is shown at the field", async () => {
  const ada = app.person();
  await makeAccount(app, ada);
  const page = await open();
  await page.getByLabel("Full name", { exact: true }).fill(ada.name);
  await page.getByLabel("E-mail", { exact: true }).fill(ada.email.toUpperCase());
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await phone(page).pressSequentially("7700900999");
  await page.getByRole("button", { name: "Create account", exact: true }).click();
  await page.locator("#email-error").getByText("An account with this email already exists.").waitFor();
  assert.equal(await page.getByLabel("Password", { exact: true }).inputValue(), PASSWORD);
});

test("that the server cannot be reached is shown, and trying again works", async () => {
  const page = await open();
  const ada = app.person();
  await page.getByLabel("Full name", { exact: true }).fill(ada.name);
  await page.getByLabel("E-mail", { exact: true }).fill(ada.email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await phone(page).pressSequentially(ada.phone);
  await page.route("**/user", (route) => route.abort());
  await page.getByRole("button", { name: "Create account", exact: true }).click();
  await page.getByRole("alert").getByText("The server cannot be reached.").waitFor();
  await page.unroute("**/user");
  await page.getByRole("button", { name: "Create account", exact: true }).click();
  await heading(page, ada.name);
});

test("the form can be filled and submitted with the keyboard alone", async () => {
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
