// The sandbox's phone: calls ring, texts make a thread, requests show what was sent along.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { PASSWORD, accessible, startApp } from "./app.mjs";

let app;
before(async () => (app = await startApp({ LIMITS: "off" })));
after(() => app.stop());

/** An account, a session by header that has both halves, and the phone's page. */
async function open() {
  const { page, problems } = await app.visitor();
  // A phone that still rings would be looked at first.
  await app.sandbox.reset();
  const ada = app.person();
  const call = async (path, body, token) => {
    const headers = { "Content-Type": "application/json", ...(token && { "X-API-TOKEN": token }) };
    const answer = await fetch(app.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    assert.ok(answer.ok, `${path} ${answer.status}`);
    return answer.json();
  };
  const made = await call("/users", { fullName: ada.name, email: ada.email, phone: ada.phone, countryCode: "44", password: PASSWORD });
  const { messages: [{ code }] } = await app.sandbox.phone(ada.e164);
  await call(`/users/${made.id}/verify`, { code }, made.token);
  await page.addInitScript(() => {
    globalThis.said = [];
    speechSynthesis.speak = (words) => globalThis.said.push(words.text);
  });
  await page.goto(app.sandbox.url);
  await page.getByRole("button", { name: new RegExp(ada.email) }).click();
  return { page, problems, ada, ask: (path, body = {}) => call(path, body, made.token) };
}

const tab = (page, name) => page.getByRole("tab", { name }).click();

test("a call rings until it is answered, then says its code, aloud where that is wanted", async () => {
  const { page, problems, ada, ask } = await open();
  await page.getByRole("switch", { name: /Speak calls aloud/ }).check();
  await ask("/session/resend", { via: "call" });
  await page.getByRole("tab", { name: /Calls.*1 waiting/ }).click();
  const ringing = page.getByRole("article");
  await ringing.getByText("Countersign is calling").waitFor();
  const { messages: [{ body, code }] } = await app.sandbox.phone(ada.e164);
  assert.equal(await page.getByText(body).count(), 0, "nothing is heard before somebody answers");
  await accessible(page, "a ringing phone");
  await ringing.getByRole("button", { name: "Answer" }).click();
  await page.getByRole("listitem").getByText(body).waitFor();
  assert.ok(body.includes(code.split("").join(", ")));
  await page.getByText(/· answered/).waitFor();
  assert.deepEqual(await page.evaluate(() => globalThis.said), [body]);
  assert.equal(await ringing.count(), 0);
  assert.deepEqual(problems, []);
});

test("a declined call and one nobody answers can be listened to afterwards", async () => {
  const { page, ask } = await open();
  await ask("/session/resend", { via: "call" });
  await tab(page, /Calls/);
  await page.getByRole("button", { name: "Decline" }).click();
  await page.getByText(/· declined/).waitFor();
  await ask("/session/resend", { via: "call" });
  await page.getByText("Countersign is calling").waitFor();
  await app.sandbox.advance(26);
  await page.getByText(/· not answered/).waitFor();
  assert.deepEqual(await page.evaluate(() => globalThis.said), []);
  await page.getByRole("button", { name: "Listen to what was said" }).first().click();
  await page.getByRole("listitem").getByText(/Hello\. Your Countersign code is/).waitFor();
});

test("texts are a thread, the newest at its end with its code to copy", async () => {
  const { page, ada, ask } = await open();
  await ask("/session/resend", { via: "sms" });
  await tab(page, /Messages/);
  const { messages: [{ code }] } = await app.sandbox.phone(ada.e164);
  const thread = page.locator(".thread li");
  await thread.nth(2).getByText(code).waitFor();
  assert.match(await thread.nth(1).textContent(), /second half of your Countersign account/);
  assert.equal(await thread.count(), 3);
  await thread.nth(2).getByRole("button", { name: "Copy code" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Copy code" }).and(page.locator(".thread *")).count(), 1);
});

test("a request shows its details, its logo and, set apart, what is hidden", async () => {
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
  assert.equal(await card.getByText("night").isVisible(), false);
  await card.getByText(/Hidden details/).click();
  assert.equal(await card.getByText("night").isVisible(), true);
  await accessible(page, "a request with everything");
  await card.getByRole("button", { name: "Approve" }).click();
  await page.getByText("Approved").waitFor();
});

test("the soft token is the code that signs in now, and its ring falls", async () => {
  const { page, ada } = await open();
  await tab(page, "Code");
  const shown = (await page.locator(".token .figure").textContent()).replace(" ", "");
  assert.equal(shown, (await app.sandbox.phone(ada.e164)).softToken);
  const left = await page.locator(".token .life").evaluate((ring) => Number(getComputedStyle(ring).getPropertyValue("--left")));
  assert.ok(left > 0 && left <= 1, String(left));
});

test("a phone that is switched off is reported as one nothing was delivered to", async () => {
  const { page, ada } = await open();
  const box = page.getByRole("switch", { name: /Switched on/ });
  assert.ok(await box.isChecked());
  const saved = page.waitForResponse((answer) => answer.request().method() === "PUT");
  await box.uncheck();
  await saved;
  assert.equal((await app.sandbox.phone(ada.e164)).reachable, false);
  assert.equal((await app.sandbox.phone(ada.e164)).authyApp, true);
});
