// The sandbox's phone page: calls, text messages, approval requests, the soft token, the switches.
import { test, before, after, afterEach } from "node:test";
import assert from "node:assert/strict";
import { PASSWORD, accessible, choosePhone, eventually, hasCount, newestCode, startApp } from "./app.mjs";

let app;
before(async () => (app = await startApp({ LIMITS: "off" })));
afterEach(() => app.leave());
after(() => app.stop());

/** An account with a signed-in session, used by the header, and the page of its phone. */
async function open() {
  const { page, problems } = await app.visitor();
  // The page shows a ringing phone first, so no phone of another test may be left.
  await app.sandbox.reset();
  const ada = app.person();
  const call = async (path, body, token) => {
    const headers = { "Content-Type": "application/json", ...(token && { "X-API-TOKEN": token }) };
    const response = await fetch(app.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    assert.ok(response.ok, `${path} ${response.status}`);
    return response.json();
  };
  const made = await call("/users", { fullName: ada.name, email: ada.email, phone: ada.phone, countryCode: "44", password: PASSWORD });
  const code = await newestCode(app, ada.e164);
  await call(`/users/${made.id}/verify`, { code }, made.token);
  // The confirmation is sent after the response; the tests begin when it has arrived.
  await eventually(async () => assert.equal((await app.sandbox.phone(ada.e164)).messages.length, 2));
  await page.addInitScript(() => {
    globalThis.spoken = [];
    speechSynthesis.speak = (words) => globalThis.spoken.push(words.text);
    // A call rings for 25 seconds of this clock. A test stops it where that is too short for a slow
    // machine; a stopped `page.clock` would stop axe, too.
    const now = performance.now.bind(performance);
    let stopped;
    performance.now = () => stopped ?? now();
    globalThis.stopTime = () => (stopped = now());
  });
  await page.goto(app.sandbox.url);
  await choosePhone(page, ada);
  return { page, problems, ada, ask: (path, body = {}) => call(path, body, made.token) };
}

const openTab = (page, name) => page.getByRole("tab", { name }).click();

test("a call rings until it is answered, then shows its text, and speaks it if wanted", async () => {
  const { page, problems, ada, ask } = await open();
  await page.getByRole("switch", { name: /Speak calls aloud/ }).check();
  await page.evaluate(() => globalThis.stopTime());
  await ask("/session/resend", { via: "call" });
  await openTab(page, /Calls.*1 waiting/);
  const ringing = page.getByRole("article");
  // The same words are announced in a status element outside the article.
  await ringing.getByRole("heading", { name: "Countersign is calling", exact: true }).waitFor();
  const { messages: [{ body, code }] } = await app.sandbox.phone(ada.e164);
  assert.equal(await page.getByText(body).count(), 0, "the text is not shown before the call is answered");
  await accessible(page, "a ringing phone");
  await ringing.getByRole("button", { name: "Answer", exact: true }).click();
  await page.getByRole("listitem").getByText(body).waitFor();
  assert.ok(body.includes(code.split("").join(", ")));
  await page.getByText(/· answered/).waitFor();
  await eventually(async () => assert.deepEqual(await page.evaluate(() => globalThis.spoken), [body]));
  await hasCount(ringing, 0);
  assert.deepEqual(problems, []);
});

test("the text of declined and missed calls can be shown afterwards", async () => {
  const { page, ask } = await open();
  await page.evaluate(() => globalThis.stopTime());
  await ask("/session/resend", { via: "call" });
  await openTab(page, /Calls/);
  const ringing = page.getByRole("article");
  await ringing.getByRole("button", { name: "Decline", exact: true }).click();
  await page.getByText(/· declined/).waitFor();
  await hasCount(ringing, 0);
  await ask("/session/resend", { via: "call" });
  await ringing.getByRole("heading", { name: "Countersign is calling", exact: true }).waitFor();
  await app.sandbox.advance(26);
  await page.getByText(/· not answered/).waitFor();
  assert.deepEqual(await page.evaluate(() => globalThis.spoken), []);
  await page.getByRole("button", { name: "Listen to what was said" }).first().click();
  await page.getByRole("listitem").getByText(/Hello\. Your Countersign code is/).waitFor();
});

test("text messages are a thread; the newest is last, and its code can be copied", async () => {
  const { page, ada, ask } = await open();
  await ask("/session/resend", { via: "sms" });
  await openTab(page, /Messages/);
  const { messages: [{ code }] } = await app.sandbox.phone(ada.e164);
  const thread = page.locator(".thread li");
  await hasCount(thread, 3);
  await thread.nth(2).getByText(code, { exact: true }).waitFor();
  assert.match(await thread.nth(1).textContent(), /this phone number is verified/);
  await thread.nth(2).getByRole("button", { name: "Copy code", exact: true }).waitFor();
  await hasCount(page.locator(".thread").getByRole("button", { name: "Copy code", exact: true }), 1);
});

test("a request shows its details and logo, and its hidden details on demand", async () => {
  const { page, ask } = await open();
  await page.route("https://example.com/**", (route) => route.fulfill({ contentType: "image/svg+xml", body: '<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48"/>' }));
  await ask("/approvals", {
    message: "Open the vault?",
    details: { Vault: "No. 7", Note: "<b>not markup</b>" },
    hidden_details: { shift: "night" },
    logos: [{ res: "default", url: "https://example.com/default.svg" }, { res: "high", url: "https://example.com/high.svg" }],
  });
  const card = page.getByRole("article");
  await card.getByRole("heading", { name: "Open the vault?" }).waitFor();
  await card.getByText("No. 7").waitFor();
  await card.getByText("<b>not markup</b>").waitFor();
  assert.equal(await card.locator("img").getAttribute("src"), "https://example.com/high.svg");
  const hidden = card.getByText("night", { exact: true });
  assert.equal(await hidden.isVisible(), false);
  await card.getByText(/Hidden details/).click();
  await hidden.waitFor();
  await accessible(page, "a request with everything");
  await card.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByRole("listitem").getByText("Approved", { exact: true }).waitFor();
});

test("the soft token is the current code, and its ring shows the time left", async () => {
  const { page, ada } = await open();
  await openTab(page, "Code");
  // Read again if the code has changed between the two.
  await eventually(async () => {
    const shown = (await page.locator(".token .figure").textContent()).replace(" ", "");
    assert.equal(shown, (await app.sandbox.phone(ada.e164)).softToken);
  });
  const left = await page.locator(".token .life").evaluate((ring) => Number(getComputedStyle(ring).getPropertyValue("--left")));
  assert.ok(left > 0 && left <= 1, String(left));
});

test("the switch of a phone sets whether it is reachable", async () => {
  const { page, ada } = await open();
  const box = page.getByRole("switch", { name: /Switched on/ });
  await eventually(async () => assert.ok(await box.isChecked()));
  await box.uncheck();
  await eventually(async () => {
    const { reachable, authyApp } = await app.sandbox.phone(ada.e164);
    assert.deepEqual({ reachable, authyApp }, { reachable: false, authyApp: true });
  });
  assert.equal(await box.isChecked(), false);
});
