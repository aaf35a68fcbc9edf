// The npm package `authy`, unmodified except for its base URL: every call that it has.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { KEY, startSandbox } from "./start.mjs";

const create = createRequire(import.meta.url)("authy");
const [EMAIL, PHONE, CODE] = ["ada@example.com", "212-555-0134", "1"];
const E164 = "+12125550134";

let sandbox;
let authy;
before(async () => {
  sandbox = await startSandbox("authy");
  authy = create(KEY, sandbox.url);
});
after(() => sandbox.stop());

/** Calls a method that takes a callback; returns a promise. */
function promised(owner, name, ...args) {
  return new Promise((resolve, reject) => owner[name](...args, (error, response) => (error ? reject(error) : resolve(response))));
}
const call = (name, ...args) => promised(authy, name, ...args);
const phones = (name, ...args) => promised(authy.phones(), name, ...args);

/** The provider's error with which a call is refused. */
async function refused(promise) {
  return promise.then((response) => assert.fail(`not refused: ${JSON.stringify(response)}`), (error) => error);
}

const enrol = async () => (await call("register_user", EMAIL, PHONE, CODE)).user.id;
const lastCode = async () => (await sandbox.phone(E164)).messages[0].code;

test("this file tests every method of the library", () => {
  const methods = Object.keys(Object.getPrototypeOf(authy)).filter((name) => !name.startsWith("_")).sort();
  assert.deepEqual(methods, [
    "check_approval_status", "delete_user", "phones", "register_user", "request_call", "request_sms",
    "send_approval_request", "user_status", "verify",
  ]);
  assert.deepEqual(Object.keys(authy.phones()).sort(), ["info", "verification_check", "verification_start", "verification_status"]);
});

test("enrolling the same phone again returns the same user", async () => {
  const first = await enrol();
  assert.equal(typeof first, "number");
  assert.match(String(first), /^[1-9]\d{8}$/);
  assert.equal(await enrol(), first);
});

test("a user without a valid phone is refused field by field", async () => {
  const problem = await refused(call("register_user", "not an e-mail", "12", CODE));
  assert.equal(problem.error_code, "60027");
  assert.equal(problem.cellphone, "is invalid");
  assert.equal(problem.errors.email, "is invalid");
});

test("a wrong key is refused with 60001", async () => {
  const stranger = create("another key", sandbox.url);
  const problem = await refused(promised(stranger, "user_status", 1));
  assert.equal(problem.error_code, "60001");
});

test("without force, no code is sent to a user who has the app", async () => {
  const id = await enrol();
  assert.equal((await call("request_sms", id)).ignored, true);
  assert.match((await call("request_call", id)).message, /^Call ignored\./);
  assert.deepEqual((await sandbox.phone(E164)).messages, []);
});

test("with force, text message and call carry the same code while it is valid, and it works once", async () => {
  const id = await enrol();
  const sent = await call("request_sms", id, true);
  assert.equal(sent.message, "SMS token was sent");
  assert.equal(sent.cellphone, "+1-XXX-XXX-XX34");
  const code = await lastCode();
  assert.match(code, /^\d{7}$/);
  assert.equal((await call("request_call", id, true)).message, "Call started...");
  assert.equal(await lastCode(), code);
  assert.equal((await refused(call("verify", id, "0000001", true))).error_code, "60020");
  assert.equal((await call("verify", id, code, true)).success, "true");
  assert.equal((await refused(call("verify", id, code, true))).error_code, "60019");
});

test("a code expires after ten minutes", async () => {
  const id = await enrol();
  await call("request_sms", id, true);
  const code = await lastCode();
  await sandbox.advance(601);
  assert.equal((await refused(call("verify", id, code, true))).error_code, "60020");
});

test("without force, any token is valid for a user who has never confirmed a code", async () => {
  const { user } = await call("register_user", "grace@example.com", "212-555-0199", "1");
  assert.equal((await call("verify", user.id, "1111111")).token, "is valid");
  assert.equal((await refused(call("verify", user.id, "1111111", true))).error_code, "60020");
});

test("the app's code is accepted once", async () => {
  const id = await enrol();
  const { softToken } = await sandbox.phone(E164);
  assert.equal((await call("verify", id, softToken, true)).token, "is valid");
  assert.equal((await refused(call("verify", id, softToken, true))).error_code, "60019");
});

test("an approval request is pending until it is answered", async () => {
  const id = await enrol();
  const payload = { message: "Login", details: { Account: EMAIL }, seconds_to_expire: 120 };
  const logos = [{ res: "default", url: "https://example.com/logo.png" }];
  const { approval_request: { uuid } } = await call("send_approval_request", id, payload, { ip: "::1" }, logos);
  const { approvalRequests: [shown] } = await sandbox.phone(E164);
  assert.deepEqual([shown.uuid, shown.details, shown.hiddenDetails, shown.logos], [uuid, { Account: EMAIL }, { ip: "::1" }, logos]);
  const status = async () => (await call("check_approval_status", uuid)).approval_request.status;
  assert.equal(await status(), "pending");
  await sandbox.answer(uuid, "approve");
  assert.equal(await status(), "approved");
  await assert.rejects(sandbox.answer(uuid, "deny"), /409/);
});

test("an approval request without an answer expires", async () => {
  const id = await enrol();
  const { approval_request: { uuid } } = await call("send_approval_request", id, { message: "Login", seconds_to_expire: 60 }, {}, undefined);
  await sandbox.advance(61);
  assert.equal((await call("check_approval_status", uuid)).approval_request.status, "expired");
  await assert.rejects(sandbox.answer(uuid, "approve"), /409/);
  assert.equal((await refused(call("check_approval_status", "no-such-uuid"))).error_code, "60049");
});

test("no approval request reaches a phone without the app", async () => {
  const id = await enrol();
  await sandbox.setApp(E164, false);
  assert.equal((await refused(call("send_approval_request", id, { message: "Login" }, {}, undefined))).error_code, "60050");
  assert.equal((await call("request_sms", id)).message, "SMS token was sent");
  await sandbox.setApp(E164, true);
});

test("a phone is verified without a user", async () => {
  const started = await phones("verification_start", "2125550177", "1", { via: "sms", code_length: 6 });
  assert.match(started.message, /^Text message sent to \+1 212-555-0177\.$/);
  const { messages: [{ code }] } = await sandbox.phone("+12125550177");
  assert.match(code, /^\d{6}$/);
  assert.equal((await phones("verification_status", "2125550177", "1")).status, "pending");
  assert.equal((await refused(phones("verification_check", "2125550177", "1", code === "000000" ? "000001" : "000000"))).error_code, "60022");
  assert.equal((await phones("verification_check", "2125550177", "1", code)).success, true);
  assert.equal((await phones("verification_status", "2125550177", "1")).status, "verified");
  assert.equal((await refused(phones("verification_check", "2125550177", "1", code))).error_code, "60023");
  assert.equal((await phones("info", "2125550177", "1")).type, "cellphone");
});

test("a user can be read and removed; enrolled again, the phone is a new user", async () => {
  const id = await enrol();
  const { status } = await call("user_status", id);
  assert.deepEqual([status.authy_id, status.country_code, status.phone_number, status.devices], [id, 1, "XXX-XXX-0134", ["android"]]);
  assert.equal((await call("delete_user", id)).success, true);
  assert.equal((await refused(call("request_sms", id, true))).error_code, "60026");
  assert.notEqual(await enrol(), id);
});
