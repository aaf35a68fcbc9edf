// Every page in both colour schemes and at three widths: axe finds no violation, no page scrolls sideways.
import { test, before, after, afterEach } from "node:test";
import assert from "node:assert/strict";
import {
  approve, accessible, answerRequest, enter, eventually, fits, hasCount, hasFocus, heading, logIn, makeAccount, newestCode, openPhone,
  pendingRequest, signUp, startApp,
} from "./app.mjs";

/** The pages of an account, with their headings. */
const ACCOUNT = [
  ["/account/security", "Security"], ["/account/recovery-codes", "Save your recovery codes"], ["/account/sessions", "Sessions"],
  ["/account/activity", "Activity"], ["/account/password", "Change your password"], ["/account/email", "Change your email"],
  ["/account/phone", "Change your phone number"], ["/account/data", "Your data"],
];

let app;
before(async () => (app = await startApp({ LIMITS: "off" })));
afterEach(() => app.leave());
after(() => app.stop());

/** How many walks there were; each verifies a number of its own. */
let walks = 0;

/** Visits every page and calls `look` on each. */
async function walk(options, look) {
  walks += 1;
  const { page, context, problems } = await app.visitor(options);
  const at = async (name) => look(page, name);
  const ada = app.person();
  await page.goto(app.url);
  await heading(page, "Half you know. Half you hold.");
  await at("home");
  await page.goto(`${app.url}/no/such/page`);
  await heading(page, "No page here");
  await at("not found");
  await page.goto(`${app.url}/verification`);
  await heading(page, "Verify your phone number");
  await at("any phone");
  const number = page.getByLabel("Phone", { exact: true });
  await page.getByRole("button", { name: "Text me a code" }).click();
  await page.locator("#phone-error").waitFor();
  await at("any phone, refused");
  await number.fill(`+1 212 555 01${String(walks).padStart(2, "0")}`);
  await page.getByRole("button", { name: "Text me a code" }).click();
  await page.getByLabel("Code", { exact: true }).waitFor();
  await at("any phone, code sent");
  await page.goto(`${app.url}/signup`);
  await heading(page, "Create your account");
  await at("sign up");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText("Four fields need another look.").waitFor();
  await at("sign up with errors");
  await page.getByRole("button", { name: /^Country/ }).click();
  await page.getByRole("option").first().waitFor();
  await at("country picker");
  await page.keyboard.press("Escape");
  await signUp(page, app, ada);
  await at("account, phone not verified");
  await page.getByRole("link", { name: "Verify phone" }).click();
  await page.getByRole("button", { name: "Text me a code" }).waitFor();
  await at("verify phone");
  await page.getByRole("button", { name: "Text me a code" }).click();
  await page.getByLabel("Code", { exact: true }).waitFor();
  await at("verify phone, code sent");
  await enter(page, await newestCode(app, ada.e164), "Verify phone");
  await heading(page, "Phone verified");
  await at("phone verified");
  await page.getByRole("link", { name: "Open the protected page" }).click();
  await page.getByText("Signed in as", { exact: true }).waitFor();
  await at("protected");
  await page.getByRole("link", { name: "Your account", exact: true }).click();
  await page.getByText("Confirmation: delivered").waitFor();
  await at("account, phone verified");
  await page.getByRole("link", { name: /the authenticator app/ }).click();
  await page.getByRole("button", { name: "Show QR code" }).waitFor();
  await at("authenticator app");
  await page.getByRole("button", { name: "Show QR code" }).click();
  await page.getByRole("img", { name: /QR code/ }).waitFor();
  await at("authenticator app, shown");
  for (const [path, title] of ACCOUNT) {
    await page.goto(app.url + path);
    await heading(page, title);
    // The lists have come.
    await hasCount(page.getByText("One moment.", { exact: true }), 0);
    await at(path);
  }
  for (const [path, button] of [["/reset", "Set new password"], ["/email", "Verify email"], ["/secure", "Secure my account"]]) {
    await page.goto(`${app.url}${path}#no-such-token`);
    await page.getByRole("button", { name: button }).waitFor();
    await at(path);
  }
  await page.goto(`${app.url}/forgot`);
  await heading(page, "Reset your password");
  await at("/forgot");
  await page.getByRole("link", { name: "Send", exact: true }).click();
  await heading(page, "Send money");
  await at("send money");
  await page.getByLabel("Amount in pounds").fill("a lot");
  await page.getByRole("button", { name: "Ask my phone" }).click();
  await page.getByText("Write an amount like 12.50.").waitFor();
  await at("send money, refused");
  await page.getByLabel("Amount in pounds").fill("12.50");
  for (const [verb, title] of [["deny", "Payment denied"], [undefined, "The request has expired"], ["approve", "Payment approved"]]) {
    await page.getByRole("button", { name: /Ask my phone|Ask again/ }).click();
    await heading(page, "Approve this payment");
    await at(`send money, before ${title}`);
    await pendingRequest(app, ada.e164);
    if (verb) await answerRequest(app, ada.e164, verb);
    else await app.sandbox.advance(121);
    await heading(page, title);
    await at(`send money, ${title}`);
  }
  await page.getByRole("button", { name: "Log out" }).click();
  await heading(page, "Signed out");
  await at("signed out");
  await page.getByRole("link", { name: "Log in again" }).click();
  await heading(page, "Log in");
  await at("log in");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("main").getByRole("alert").waitFor();
  await at("log in, refused");
  await logIn(page, app, ada);
  await heading(page, "Enter the number on your phone");
  await at("waiting");
  const phone = await openPhone(app, context, ada);
  await phone.getByRole("article").waitFor();
  await look(phone, "the phone, a request");
  await phone.getByRole("button", { name: "Deny", exact: true }).click();
  // One of the payments was denied, too.
  await hasCount(phone.getByRole("listitem").getByText("Denied", { exact: true }), 2);
  await look(phone, "the phone, answered");
  for (const tab of ["Messages", "Calls", "Code"]) {
    await phone.getByRole("tab", { name: tab }).click();
    await look(phone, `the phone, ${tab}`);
  }
  await phone.close();
  await heading(page, "Denied on your phone");
  await at("denied");
  await page.getByRole("link", { name: "Choose another way" }).click();
  await heading(page, "Choose another way");
  await at("choose another way");
  await page.getByRole("button", { name: /Code by call/ }).click();
  await heading(page, "Enter the code");
  await at("code");
  await page.getByLabel("Code", { exact: true }).fill("12");
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByText("Enter 4 to 10 digits.").waitFor();
  await at("code, refused");
  await page.goto(`${app.url}/2fa`);
  await page.getByRole("button", { name: /Approve on the phone/ }).click();
  await heading(page, "Enter the number on your phone");
  await app.sandbox.advance(121);
  await heading(page, "The request has expired");
  await at("expired");
  await page.getByRole("button", { name: "Ask again" }).click();
  await heading(page, "Enter the number on your phone");
  await answerRequest(app, ada.e164, "approve");
  await page.getByText("Approved. Enter the number to sign in.").waitFor();
  await at("approved, number missing");
  const { approvalRequests: [{ details }] } = await app.sandbox.phone(ada.e164);
  const shown = Number(details["Enter in browser"]);
  await page.getByLabel("Number on your phone").fill(String((shown + 1) % 100).padStart(2, "0"));
  await page.getByText("Wrong number. 2 tries left.").waitFor();
  await at("wrong number");
  await page.getByLabel("Number on your phone").fill(String(shown).padStart(2, "0"));
  await heading(page, ada.name);
  await at("account");
  await context.close();
  assert.deepEqual(problems, []);
}

for (const colorScheme of ["light", "dark"]) {
  for (const width of [390, 1280]) {
    test(`axe finds no violation on any page, ${colorScheme}, ${width} pixels wide`, async () => {
      await walk({ colorScheme, viewport: { width, height: 844 } }, async (page, name) => {
        await accessible(page, name);
        await fits(page, name);
      });
    });
  }
}

test("no page scrolls sideways in a window of 320 pixels", async () => {
  await walk({ viewport: { width: 320, height: 640 } }, fits);
});

test("the phone page says that there is no phone yet", async () => {
  await app.sandbox.reset();
  const { page } = await app.visitor();
  await page.goto(app.sandbox.url);
  await page.getByText("No phone yet.").waitFor();
  await accessible(page, "the phone, empty");
});

test("each page has one h1, one main element, its own title and a skip link", async () => {
  const { page } = await app.visitor();
  const titles = new Set();
  for (const path of ["/", "/signup", "/login", "/signed-out", "/nowhere"]) {
    await page.goto(app.url + path);
    await page.locator("h1").waitFor();
    assert.deepEqual([await page.locator("h1").count(), await page.locator("main").count()], [1, 1], path);
    await eventually(async () => {
      const title = await page.title();
      // "Countersign" alone is the title until the page has set its own.
      assert.ok(title !== "Countersign" && !titles.has(title), `${path}: ${title}`);
      titles.add(title);
    });
    await page.keyboard.press("Tab");
    const skip = page.getByRole("link", { name: "Skip to content" });
    await hasFocus(skip, `${path}: the first stop of the Tab key`);
  }
  assert.equal(titles.size, 5);
});

test("pages that require a session redirect everybody else", async () => {
  const { page } = await app.visitor();
  for (const path of ["/account", "/protected", "/send", "/authenticator", "/approve", "/code", "/2fa"]) {
    await page.goto(app.url + path);
    await heading(page, "Log in");
  }
  const ada = app.person();
  await makeAccount(app, ada);
  await logIn(page, app, ada);
  await heading(page, "Enter the number on your phone");
  for (const path of ["/account", "/signup", "/login"]) {
    await page.goto(app.url + path);
    await heading(page, "Enter the number on your phone");
  }
  for (const path of ["/protected", "/verified", "/verification"]) {
    await page.goto(app.url + path);
    await heading(page, "Choose another way");
  }
  await approve(page, app, ada);
  // The page signs in by itself; leaving it before it has the new cookie would end the session.
  await heading(page, ada.name);
  await page.goto(`${app.url}/approve`);
  await heading(page, ada.name);
  for (const path of ["/2fa", "/verification", "/protected"]) {
    await page.goto(app.url + path);
    await heading(page, "Protected page");
  }
});

test("the API description loads nothing from another origin, and calls can be tried there", async () => {
  const { page, problems } = await app.visitor();
  const origins = new Set();
  page.on("request", (request) => request.url().startsWith("http") && origins.add(new URL(request.url()).origin));
  await page.goto(`${app.url}/docs`);
  await page.getByText("/api/accountsecurity/onetouchstatus").first().waitFor();
  await page.locator("#operations-Health-getHealthz .opblock-summary-control").click();
  await page.locator("#operations-Health-getHealthz").getByRole("button", { name: "Execute", exact: true }).click();
  await page.locator("#operations-Health-getHealthz .live-responses-table").getByText("200").first().waitFor();
  assert.deepEqual([...origins], [app.url]);
  assert.deepEqual(problems, []);
});
