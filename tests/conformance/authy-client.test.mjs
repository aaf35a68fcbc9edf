// The npm package `authy-client`, unmodified except for its base URL. It validates every response strictly.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { createRequire } from "node:module";
import { KEY, startSandbox } from "./start.mjs";

const { Client, enums } = createRequire(import.meta.url)("authy-client");
const E164 = "+351911234567";

let sandbox;
let client;
before(async () => {
  sandbox = await startSandbox("authy-client");
  client = new Client({ key: KEY }, { host: sandbox.url });
});
after(() => sandbox.stop());

const enrol = async () => (await client.registerUser({ countryCode: "PT", email: "ada@example.com", phone: "911234567" })).user.id;
const refused = async (promise) => promise.then(() => assert.fail("not refused"), (error) => error);

test("this file tests every method of the library", () => {
  const methods = Object.getOwnPropertyNames(Client.prototype).filter((name) => name !== "constructor").sort();
  assert.deepEqual(methods, [
    "createApprovalRequest", "deleteUser", "getApplicationDetails", "getApplicationStatistics", "getApprovalRequest",
    "getPhoneInformation", "getUserStatus", "registerActivity", "registerUser", "requestCall", "requestSms",
    "startPhoneVerification", "verifyCallback", "verifyPhone", "verifyToken",
  ]);
});

test("users are enrolled, read, marked as active, removed", async () => {
  const authyId = await enrol();
  assert.equal(await enrol(), authyId);
  const { status } = await client.getUserStatus({ authyId });
  assert.equal(status.authy_id, authyId);
  assert.equal((await client.registerActivity({ authyId, data: { reason: "test" }, type: "banned" }, { ip: "127.0.0.1" })).success, true);
  assert.equal((await client.deleteUser({ authyId })).success, true);
  assert.equal((await refused(client.requestSms({ authyId }))).code, 404);
});

test("codes are sent and checked with force, and wrong ones are refused", async () => {
  const authyId = await enrol();
  assert.equal((await client.requestSms({ authyId })).ignored, true);
  await client.requestSms({ authyId }, { force: true });
  await client.requestCall({ authyId }, { force: true });
  const { messages: [{ code }] } = await sandbox.phone(E164);
  assert.equal((await refused(client.verifyToken({ authyId, token: "0000000" }, { force: true }))).code, 401);
  assert.equal((await client.verifyToken({ authyId, token: code }, { force: true })).token, "is valid");
});

test("a code is bound to its action", async () => {
  const authyId = await enrol();
  await client.requestSms({ authyId }, { action: "transfer", force: true, message: "a transfer" });
  const { messages: [{ code, body }] } = await sandbox.phone(E164);
  assert.match(body, /a transfer/);
  assert.equal((await refused(client.verifyToken({ authyId, token: code }, { force: true }))).code, 401);
  // The provider requires the action again; the library does not send it.
  const verified = await fetch(`${sandbox.url}/protected/json/verify/${code}/${authyId}?force=true&action=transfer&api_key=${KEY}`);
  assert.equal((await verified.json()).token, "is valid");
});

test("a phone is verified, and information about it read, without a user", async () => {
  const phone = { countryCode: "PT", phone: "911234599" };
  await client.startPhoneVerification({ ...phone, via: enums.verificationVia.SMS });
  await client.startPhoneVerification({ ...phone, via: enums.verificationVia.CALL });
  const { messages: [{ code }] } = await sandbox.phone("+351911234599");
  assert.equal((await client.verifyPhone({ ...phone, token: code })).success, true);
  assert.equal((await client.getPhoneInformation(phone)).type, "cellphone");
});

test("details and statistics of the application can be read", async () => {
  assert.equal((await client.getApplicationDetails()).success, true);
  assert.equal((await client.getApplicationStatistics()).success, true);
});

test("an approval request is created and read, and its callback passes the library's check", async () => {
  const calls = [];
  const receiver = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    calls.push({ body: JSON.parse(text), headers: request.headers, method: request.method, protocol: "http", url: request.url });
    response.end();
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  // This library expects a string where the service has sent a number since 2017.
  await sandbox.webhook({ url: `http://127.0.0.1:${receiver.address().port}/callback`, deviceUuid: "string" });
  const authyId = await enrol();
  const logos = [{ res: enums.logoRes?.DEFAULT ?? "default", url: "https://example.com/logo.png" }];
  const details = { hidden: { ip: "127.0.0.1" }, visible: { Account: "ada@example.com", "Asked at": "14:02" } };
  const { approval_request: { uuid } } = await client.createApprovalRequest({ authyId, details, logos, message: "Login" }, { ttl: 120 });
  const status = async () => (await client.getApprovalRequest({ id: uuid })).approval_request.status;
  assert.equal(await status(), "pending");
  await sandbox.answer(uuid, "approve");
  assert.equal(await status(), "approved");
  assert.equal(calls.length, 1);
  assert.equal(calls[0].body.status, "approved");
  await client.verifyCallback(calls[0]);
  const forged = { ...calls[0], body: { ...calls[0].body, status: "denied" } };
  assert.notEqual(await refused(client.verifyCallback(forged)), undefined);
  receiver.close();
});
