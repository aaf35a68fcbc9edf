// Twilio Verify v2 as the sandbox plays it: every call by the npm package `twilio`, unmodified except for its base
// URL, each answer held next to the vendor's description; and a device that follows the protocol of its SDKs.
import { test, before, after, beforeEach } from "node:test";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { once } from "node:events";
import twilio from "twilio";
import { startSandbox } from "./start.mjs";
import { Device } from "./device.mjs";
import { fits, operations } from "./schema.mjs";

const TO = "+12125550134";
const IDENTITY = "8d3ab1c2-5f6e-4f70-9a41-0c2f6b7d8e91";

let sandbox;
let config;
let client;
let service;
/** Operations that were answered as described. */
const held = new Set();

before(async () => {
  sandbox = await startSandbox("twilio");
  config = await (await fetch(`${sandbox.url}/_sandbox/config`)).json();
  client = account(config.accountSid, config.authToken);
});
after(() => sandbox.stop());
beforeEach(async () => {
  await sandbox.reset();
  ({ sid: service } = await client.verify.v2.services.create({ friendlyName: "Countersign", codeLength: 7 }));
});

/** The library's client; what it receives is held next to the description. */
function account(user, password, more) {
  const client = twilio(user, password, more);
  client.verify.baseUrl = sandbox.url;
  const send = client.httpClient.request.bind(client.httpClient);
  client.httpClient.request = async (options) => {
    const response = await send(options);
    const body = typeof response.body === "string" && response.body ? JSON.parse(response.body) : response.body;
    const operation = fits({ method: options.method.toUpperCase(), url: options.uri, status: response.statusCode, body });
    if (operation) held.add(operation);
    return response;
  };
  return client;
}

const of = () => client.verify.v2.services(service);
const start = (more) => of().verifications.create({ to: TO, channel: "sms", ...more });
const check = (code, more) => of().verificationChecks.create({ to: TO, code, ...more });
const code = async (number = TO) => (await sandbox.phone(number)).messages[0].code;
const wrong = (right) => (right === "0000000" ? "1111111" : "0000000");

/** Asserts that a call fails with this HTTP status and this code. */
async function refused(promise, status, code) {
  const error = await promise.then(() => assert.fail("not refused"), (error) => error);
  assert.ok(error instanceof twilio.RestException, error);
  assert.deepEqual([error.status, error.code], [status, code], error.message);
}

/** A factor of this type, verified. */
async function authenticator(more) {
  const factor = await of().entities(IDENTITY).newFactors.create({
    friendlyName: "Ada's authenticator", factorType: "totp", ...more,
  });
  return { factor, secret: factor.binding.secret };
}

/** RFC 6238 with SHA-1, six digits, 30 seconds. */
function totp(secret, now) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(now / 30_000)));
  const hash = createHmac("sha1", key).update(step).digest();
  const at = hash.at(-1) & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

async function device(identity = IDENTITY) {
  const { token } = await of().accessTokens.create({ identity, factorType: "push" });
  const device = await Device.make(sandbox.url);
  const registered = await device.register({ token, serviceSid: service, identity });
  assert.deepEqual([registered.status, registered.body.status], [200, "verified"]);
  return device;
}

const ask = (device, more) => of().entities(IDENTITY).challenges.create({
  factorSid: device.factor,
  "details.message": "Sign in to Countersign?",
  "details.fields": [{ label: "Browser", value: "Firefox" }, { label: "Number", value: "47" }],
  hiddenDetails: { ip: "192.0.2.1" },
  ...more,
});

/** A server that records webhooks. */
async function receiver() {
  const calls = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    calls.push({ headers: request.headers, url: request.url, body, fields: Object.fromEntries(new URLSearchParams(body)) });
    response.end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { calls, url: `http://127.0.0.1:${server.address().port}/verify`, stop: () => server.close() };
}

test("a code arrives, a wrong one is no error, the right one counts once", async () => {
  const verification = await start();
  assert.deepEqual([verification.status, verification.valid, verification.channel, verification.to], ["pending", false, "sms", TO]);
  const right = await code();
  assert.match(right, /^\d{7}$/);
  const no = await check(wrong(right));
  assert.deepEqual([no.status, no.valid, no.sid], ["pending", false, verification.sid]);
  const yes = await check(right, { to: undefined, verificationSid: verification.sid });
  assert.deepEqual([yes.status, yes.valid], ["approved", true]);
  await refused(check(right), 404, 20404);
  await refused(of().verifications(verification.sid).fetch(), 404, 20404);
});

test("a code is known by service and number: sent again it is the same, whoever asks; in another service it is another", async () => {
  const first = await start();
  const right = await code();
  const again = await start({ channel: "call" });
  assert.deepEqual([again.sid, again.sendCodeAttempts.length], [first.sid, 2]);
  assert.equal(await code(), right);
  assert.equal((await sandbox.phone(TO)).messages[0].via, "call");
  const other = await client.verify.v2.services.create({ friendlyName: "Another" });
  await refused(client.verify.v2.services(other.sid).verificationChecks.create({ to: TO, code: right }), 404, 20404);
});

test("five sends, five wrong codes, ten minutes", async () => {
  await start();
  const right = await code();
  for (let sent = 1; sent < 5; sent += 1) await start();
  await refused(start(), 429, 60203);
  for (let checked = 0; checked < 5; checked += 1) assert.equal((await check(wrong(right))).status, "pending");
  await refused(check(right), 429, 60202);
  await sandbox.advance(600);
  await refused(check(right), 404, 20404);
  await start();
  assert.equal((await check(await code())).status, "approved");
});

test("by every channel the code arrives where the person expects it", async () => {
  await start({ channel: "whatsapp" });
  assert.equal((await sandbox.phone(TO)).messages[0].via, "whatsapp");
  await start({ to: "ada@example.com", channel: "email" });
  const { messages: [mail] } = await (await fetch(`${sandbox.url}/_sandbox/mailboxes/ada@example.com`)).json();
  assert.equal((await check(mail.code, { to: "ada@example.com" })).status, "approved");
  await refused(start({ channel: "pigeon" }), 400, 60200);
  await refused(start({ to: "12" }), 400, 60200);
  const bare = await fetch(`${sandbox.url}/v2/Services/${service}/Verifications`, {
    method: "POST",
    headers: { Authorization: `Basic ${Buffer.from(`${config.accountSid}:${config.authToken}`).toString("base64")}` },
    body: new URLSearchParams({ Channel: "sms" }),
  });
  assert.deepEqual([bare.status, (await bare.json()).code], [400, 20001]);
});

test("a verification is fetched by id and by number, cancelled and approved", async () => {
  const { sid } = await start();
  assert.equal((await of().verifications(TO).fetch()).sid, sid);
  assert.equal((await of().verifications(sid).update({ status: "canceled" })).status, "canceled");
  await refused(of().verifications(sid).fetch(), 404, 20404);
  const { sid: next } = await start();
  assert.notEqual(next, sid);
  assert.deepEqual((await of().verifications(TO).update({ status: "approved" })).valid, true);
});

test("services are made, changed, listed in pages and removed", async () => {
  const names = ["one", "two", "three"];
  for (const friendlyName of names) await client.verify.v2.services.create({ friendlyName });
  const listed = await client.verify.v2.services.list({ pageSize: 2 });
  // The last three are there from the start.
  assert.deepEqual(listed.map(({ friendlyName }) => friendlyName), ["three", "two", "one", ...Array(4).fill("Countersign")]);
  const changed = await of().update({ codeLength: 4, lookupEnabled: true, "totp.issuer": "Example" });
  assert.deepEqual([changed.codeLength, changed.lookupEnabled, changed.totp.issuer], [4, true, "Example"]);
  assert.equal((await start()).lookup.carrier.type, "mobile");
  await refused(of().update({ codeLength: 11 }), 400, 60200);
  await refused(client.verify.v2.services.create({ friendlyName: "x".repeat(33) }), 400, 60200);
  assert.equal(await of().remove(), true);
  await refused(of().fetch(), 404, 20404);
});

test("an API key is let in as the account, anybody else is not", async () => {
  const key = account(config.keySid, config.keySecret, { accountSid: config.accountSid });
  assert.equal((await key.verify.v2.services(service).fetch()).sid, service);
  await refused(account(config.accountSid, "another token").verify.v2.services(service).fetch(), 401, 20003);
});

test("limits by a value count starts", async () => {
  const limit = await of().rateLimits.create({ uniqueName: "address", description: "By address" });
  const bucket = await of().rateLimits(limit.sid).buckets.create({ max: 1, interval: 60 });
  const rateLimits = { address: "192.0.2.1" };
  await start({ rateLimits });
  await refused(start({ rateLimits }), 429, 20429);
  await start({ rateLimits: { address: "192.0.2.2" } });
  const other = await of().rateLimits.create({ uniqueName: "other" });
  await of().rateLimits(other.sid).buckets.create({ max: 1, interval: 60 });
  await refused(start({ rateLimits: { other: "x", ...rateLimits } }), 429, 20429);
  await start({ rateLimits: { other: "x" } });
  assert.equal(await of().rateLimits(other.sid).remove(), true);
  await sandbox.advance(61);
  await start({ rateLimits });
  await of().rateLimits(limit.sid).buckets(bucket.sid).update({ max: 2 });
  assert.equal((await of().rateLimits(limit.sid).buckets(bucket.sid).fetch()).max, 2);
  assert.equal((await of().rateLimits(limit.sid).buckets.list()).length, 1);
  await of().rateLimits(limit.sid).update({ description: "Another" });
  assert.equal((await of().rateLimits(limit.sid).fetch()).description, "Another");
  assert.equal((await of().rateLimits.list()).length, 1);
  assert.equal(await of().rateLimits(limit.sid).buckets(bucket.sid).remove(), true);
  assert.equal(await of().rateLimits(limit.sid).remove(), true);
});

test("attempts, templates, safe numbers, messaging and the form are there", async () => {
  await start();
  await check(await code());
  const [attempt] = await client.verify.v2.verificationAttempts.list();
  assert.equal((await client.verify.v2.verificationAttempts(attempt.sid).fetch()).conversionStatus, "converted");
  const summary = await client.verify.v2.verificationAttemptsSummary().fetch();
  assert.deepEqual([summary.totalAttempts, summary.totalConverted], [1, 1]);
  assert.equal((await client.verify.v2.templates.list()).length, 2);
  await client.verify.v2.safelist.create({ phoneNumber: TO });
  assert.equal((await client.verify.v2.safelist(TO).fetch()).phoneNumber, TO);
  assert.equal(await client.verify.v2.safelist(TO).remove(), true);
  await refused(client.verify.v2.safelist(TO).fetch(), 404, 20404);
  assert.equal((await client.verify.v2.forms("form-push").fetch()).formType, "form-push");
  const messagingServiceSid = `MG${"0".repeat(32)}`;
  await of().messagingConfigurations.create({ country: "CA", messagingServiceSid });
  assert.equal((await of().messagingConfigurations.list()).length, 1);
  await of().messagingConfigurations("CA").update({ messagingServiceSid: `MG${"1".repeat(32)}` });
  assert.match((await of().messagingConfigurations("CA").fetch()).messagingServiceSid, /1{32}$/);
  assert.equal(await of().messagingConfigurations("CA").remove(), true);
});

test("entities have an identity that only they have", async () => {
  const entity = await of().entities.create({ identity: IDENTITY });
  await refused(of().entities.create({ identity: IDENTITY.toUpperCase() }), 409, 60301);
  await refused(of().entities.create({ identity: "short" }), 400, 60200);
  assert.equal((await of().entities(IDENTITY).fetch()).sid, entity.sid);
  assert.equal((await of().entities.list()).length, 1);
  assert.equal(await of().entities(IDENTITY).remove(), true);
  await refused(of().entities(IDENTITY).fetch(), 404, 20404);
});

test("an authenticator is verified by a code, then each sign-in by one", async () => {
  const { factor, secret } = await authenticator();
  assert.match(factor.binding.uri, /^otpauth:\/\/totp\/Countersign:Ada%27s%20authenticator\?secret=/);
  const challenge = (authPayload) => of().entities(IDENTITY).challenges.create({ factorSid: factor.sid, authPayload });
  const prove = (authPayload) => of().entities(IDENTITY).factors(factor.sid).update({ authPayload });
  await refused(challenge(totp(secret, Date.now())), 403, 60318);
  await refused(prove("12345"), 400, 60306);
  const right = totp(secret, Date.now());
  assert.equal((await prove(right === "000000" ? "111111" : "000000")).status, "unverified");
  assert.equal((await prove(right)).status, "verified");
  assert.equal((await challenge(totp(secret, Date.now()))).status, "approved");
  assert.equal((await challenge(right === "000000" ? "111111" : "000000")).status, "pending");
  await refused(authenticator({ "binding.secret": secret }), 409, 60317);
});

test("a proof with a wrong parameter beside it changes nothing", async () => {
  const { factor, secret } = await authenticator();
  const update = (more) => of().entities(IDENTITY).factors(factor.sid).update(more);
  await refused(update({ authPayload: totp(secret, Date.now()), friendlyName: "Another", "config.skew": 9 }), 400, 60200);
  const { status, friendlyName } = await of().entities(IDENTITY).factors(factor.sid).fetch();
  assert.deepEqual([status, friendlyName], ["unverified", "Ada's authenticator"]);
  assert.equal((await update({ authPayload: totp(secret, Date.now()) })).status, "verified");
});

test("six wrong proofs of an authenticator are too many", async () => {
  const { factor, secret } = await authenticator();
  const right = totp(secret, Date.now());
  const prove = (authPayload) => of().entities(IDENTITY).factors(factor.sid).update({ authPayload });
  for (let tried = 0; tried < 5; tried += 1) await prove(right === "000000" ? "111111" : "000000");
  await refused(prove(right), 429, 60310);
});

test("a device registers itself, approves and denies", async () => {
  const phone = await device();
  const first = await ask(phone);
  assert.deepEqual([first.status, first.dateResponded], ["pending", null]);
  const [pending] = await phone.pending();
  assert.deepEqual([pending.sid, pending.details.message, pending.hidden_details.ip], [first.sid, "Sign in to Countersign?", "192.0.2.1"]);
  assert.equal((await phone.answer(first.sid, "approved")).status, 200);
  assert.equal((await phone.read(first.sid)).body.status, "approved");
  const second = await ask(phone);
  await phone.answer(second.sid, "denied");
  assert.equal((await of().entities(IDENTITY).challenges(second.sid).fetch()).status, "denied");
  assert.equal((await of().entities(IDENTITY).challenges.list({ status: "denied" })).length, 1);
  assert.deepEqual(await phone.pending(), []);
});

test("a sandbox phone is a device as well: it registers by the protocol, and its page shows and answers", async () => {
  const { token } = await of().accessTokens.create({ identity: IDENTITY, factorType: "push" });
  await sandbox.addDevice(TO, { token, serviceSid: service, identity: IDENTITY, name: "Ada's phone" });
  const [factor] = await of().entities(IDENTITY).factors.list();
  assert.deepEqual([factor.status, factor.friendlyName, factor.config.notification_platform], ["verified", "Ada's phone", "none"]);
  const { sid } = await ask({ factor: factor.sid });
  const { approvalRequests: [shown] } = await sandbox.phone(TO);
  assert.deepEqual([shown.uuid, shown.status, shown.message], [sid, "pending", "Sign in to Countersign?"]);
  assert.deepEqual([shown.details, shown.hiddenDetails], [{ Browser: "Firefox", Number: "47" }, { ip: "192.0.2.1" }]);
  await sandbox.answer(sid, "approve");
  assert.equal((await of().entities(IDENTITY).challenges(sid).fetch()).status, "approved");
  await assert.rejects(sandbox.answer(sid, "deny"), /409/);
  const { sid: late } = await ask({ factor: factor.sid });
  await sandbox.advance(301);
  await assert.rejects(sandbox.answer(late, "approve"), /409/);
  await assert.rejects(sandbox.addDevice(TO, { token: "another", serviceSid: service, identity: IDENTITY }), /422/);
});

test("a phone whose factor was removed is asked nothing more", async () => {
  const { token } = await of().accessTokens.create({ identity: IDENTITY, factorType: "push" });
  await sandbox.addDevice(TO, { token, serviceSid: service, identity: IDENTITY });
  const [factor] = await of().entities(IDENTITY).factors.list();
  const { sid } = await ask({ factor: factor.sid });
  await of().entities(IDENTITY).factors(factor.sid).remove();
  assert.deepEqual((await sandbox.phone(TO)).approvalRequests, []);
  await assert.rejects(sandbox.answer(sid, "approve"), /404/);
});

test("what a device signs for one thing opens no other", async () => {
  const [phone, stranger] = [await device(), await device()];
  const [first, second] = [await ask(phone), await ask(phone)];
  const replayed = await phone.payload(await phone.read(first.sid), "approved");
  const send = async (from, challenge, AuthPayload) =>
    from.call("POST", `${from.entity}/Challenges/${challenge}`, await from.token(), { AuthPayload });
  let answer = await send(phone, second.sid, replayed);
  assert.deepEqual([answer.status, answer.body.code], [403, 60324]);
  answer = await send(phone, first.sid, await stranger.payload(await phone.read(first.sid), "approved"));
  assert.deepEqual([answer.status, answer.body.code], [403, 60324]);
  answer = await stranger.read(first.sid);
  assert.deepEqual([answer.status, answer.body.code], [401, 20003]);
  assert.equal((await send(phone, first.sid, replayed)).status, 200);
  answer = await send(phone, first.sid, replayed);
  assert.deepEqual([answer.status, answer.body.code], [403, 60322]);
  const late = await phone.payload(await phone.read(second.sid), "approved");
  await sandbox.advance(301);
  answer = await send(phone, second.sid, late);
  assert.deepEqual([answer.status, answer.body.code], [403, 60323]);
});

test("a device without the right token or key is refused", async () => {
  const { token } = await of().accessTokens.create({ identity: IDENTITY, factorType: "push" });
  const phone = await Device.make(sandbox.url);
  const elsewhere = await phone.create({ token, serviceSid: service, identity: "another-identity" });
  assert.deepEqual([elsewhere.status, elsewhere.body.code], [403, 60313]);
  await phone.create({ token, serviceSid: service, identity: IDENTITY });
  const proof = await phone.verify(`YF${"0".repeat(32)}`);
  assert.deepEqual([proof.status, proof.body.code], [403, 60311]);
  await sandbox.advance(61);
  const late = await (await Device.make(sandbox.url)).create({ token, serviceSid: service, identity: IDENTITY });
  assert.deepEqual([late.status, late.body.code], [403, 60313]);
});

test("a push is notified three times, and not where the device asks by itself", async () => {
  const phone = await device();
  const { sid } = await ask(phone);
  await refused(of().entities(IDENTITY).challenges(sid).notifications.create(), 400, 60307);
  await phone.call("POST", `${phone.entity}/Factors/${phone.factor}`, await phone.token(), {
    "Config.NotificationPlatform": "fcm", "Config.NotificationToken": "token",
  });
  for (let sent = 0; sent < 3; sent += 1) await of().entities(IDENTITY).challenges(sid).notifications.create({ ttl: 60 });
  await refused(of().entities(IDENTITY).challenges(sid).notifications.create(), 429, 60309);
});

test("factors are listed, named and removed", async () => {
  const phone = await device();
  assert.equal((await of().entities(IDENTITY).factors.list()).length, 1);
  await of().entities(IDENTITY).factors(phone.factor).update({ friendlyName: "Work phone" });
  assert.equal((await of().entities(IDENTITY).factors(phone.factor).fetch()).friendlyName, "Work phone");
  assert.equal(await of().entities(IDENTITY).factors(phone.factor).remove(), true);
  await refused(ask(phone), 404, 20404);
});

test("webhooks hear of ids alone, signed with the account's token", async () => {
  const hook = await receiver();
  const eventTypes = ["factor.verified", "challenge.approved"];
  const webhook = await of().webhooks.create({ friendlyName: "Answers", eventTypes, webhookUrl: hook.url });
  const phone = await device();
  const { sid } = await ask(phone);
  await phone.answer(sid, "approved");
  await phone.answer((await ask(phone)).sid, "denied");
  assert.deepEqual(hook.calls.map(({ fields }) => fields.type), eventTypes);
  const { fields, headers } = hook.calls[1];
  assert.deepEqual([fields.challenge_sid, fields.factor_sid, fields.entity_identity, fields.status], [sid, phone.factor, IDENTITY, undefined]);
  assert.ok(twilio.validateRequest(config.authToken, headers["x-twilio-signature"], hook.url, fields));
  await of().webhooks(webhook.sid).update({ status: "disabled" });
  assert.equal((await of().webhooks(webhook.sid).fetch()).status, "disabled");
  await phone.answer((await ask(phone)).sid, "approved");
  assert.equal(hook.calls.length, 2);
  assert.equal((await of().webhooks.list()).length, 1);
  assert.equal(await of().webhooks(webhook.sid).remove(), true);
  hook.stop();
});

test("what no source tells can be had the other way", async () => {
  const hook = await receiver();
  await sandbox.verify({ goneAfterChecks: true, approvalNeedsCustomCodes: true, codesWorkOnce: true, webhookBody: "json" });
  await start();
  const right = await code();
  for (let checked = 0; checked < 5; checked += 1) await check(wrong(right));
  await refused(check(right), 404, 20404);
  await refused(of().verifications(TO).update({ status: "approved" }), 403, 60220);
  await of().webhooks.create({ friendlyName: "Answers", eventTypes: ["factor.verified"], webhookUrl: hook.url });
  const { factor, secret } = await authenticator();
  const shown = totp(secret, Date.now());
  await of().entities(IDENTITY).factors(factor.sid).update({ authPayload: shown });
  const [{ headers, body, url }] = hook.calls;
  assert.equal(JSON.parse(body).factor_sid, factor.sid);
  assert.ok(twilio.validateRequestWithBody(config.authToken, headers["x-twilio-signature"], new URL(url, hook.url).href, body));
  const challenge = (authPayload) => of().entities(IDENTITY).challenges.create({ factorSid: factor.sid, authPayload });
  assert.deepEqual([(await challenge(shown)).status, (await challenge(shown)).status], ["approved", "pending"]);
  hook.stop();
});

test("an access token is fetched, and a challenge is answered by the account's call", async () => {
  const { sid, token } = await of().accessTokens.create({ identity: IDENTITY, factorType: "push", ttl: 300 });
  assert.equal((await of().accessTokens(sid).fetch()).token, token);
  const phone = await device();
  const { sid: challenge } = await ask(phone);
  const authPayload = await phone.payload(await phone.read(challenge), "approved");
  assert.equal((await of().entities(IDENTITY).challenges(challenge).update({ authPayload })).status, "approved");
});

test("every operation of the description was called, and each answer had exactly its members", () => {
  assert.deepEqual(operations.filter((operation) => !held.has(operation)), []);
});

test("a page of another origin may call Verify, as a device in a browser does, and nothing else", async () => {
  const Origin = "https://app.example.com";
  const Authorization = `Basic ${Buffer.from(`${config.accountSid}:${config.authToken}`).toString("base64")}`;
  const call = (method, path, headers) => fetch(`${sandbox.url}${path}`, { method, headers: { Origin, ...headers } });
  const asked = await call("OPTIONS", "/v2/Services", { "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization" });
  assert.equal(asked.status, 204);
  assert.match(asked.headers.get("access-control-allow-headers"), /Authorization/);
  const read = await call("GET", "/v2/Services", { Authorization });
  assert.deepEqual([read.status, read.headers.get("access-control-allow-origin")], [200, "*"]);
  assert.match(read.headers.get("access-control-expose-headers"), /Twilio-Verify-Signature-Fields/);
  assert.equal((await call("GET", "/v2/Services")).status, 401, "an origin is no credential");
  for (const path of ["/_sandbox/phones", "/protected/json/app/details", `/2010-04-01/Accounts/${config.accountSid}/Messages.json`]) {
    const refused = await call("GET", path, { Authorization });
    assert.deepEqual([refused.status, refused.headers.get("access-control-allow-origin")], [403, null], path);
  }
  await sandbox.verify({ noCors: true });
  assert.equal((await call("GET", "/v2/Services", { Authorization })).status, 403);
});
