// The npm package `twilio`, unmodified except for its base URL: sending and reading text messages.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import twilio from "twilio";
import { startSandbox } from "./start.mjs";

const TO = "+12125550134";
const MAGIC = "+1500555000";

let sandbox;
let config;
let client;
before(async () => {
  sandbox = await startSandbox("twilio");
  config = await (await fetch(`${sandbox.url}/_sandbox/config`)).json();
  client = account(config.accountSid, config.authToken);
});
after(() => sandbox.stop());

function account(sid, token) {
  const client = twilio(sid, token);
  client.api.baseUrl = sandbox.url;
  return client;
}

const send = (more) => client.messages.create({ to: TO, from: config.number, body: "Hello, Ada", ...more });

/** Asserts that a call fails with the library's error class, this HTTP status and this code. */
async function refused(promise, status, code) {
  const error = await promise.then(() => assert.fail("not refused"), (error) => error);
  assert.ok(error instanceof twilio.RestException, error);
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  assert.equal(error.moreInfo, `https://www.twilio.com/docs/errors/${code}`);
}

/** A server that records status callbacks; `wait` waits until there are so many. */
async function receiver() {
  const calls = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    calls.push({ url: request.url, headers: request.headers, fields: Object.fromEntries(new URLSearchParams(body)) });
    server.emit("call");
    response.end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}/status?message=1`;
  const wait = async (count) => {
    while (calls.length < count) await once(server, "call");
    return calls;
  };
  return { url, wait, stop: () => server.close() };
}

test("a text message is sent, arrives on the phone, and has the fields of the real service", async () => {
  const message = await send();
  assert.match(message.sid, /^SM[0-9a-f]{32}$/);
  assert.deepEqual(
    [message.status, message.direction, message.to, message.from, message.body, message.numSegments, message.numMedia, message.errorCode],
    ["queued", "outbound-api", TO, config.number, "Hello, Ada", "1", "0", null],
  );
  assert.ok(message.dateCreated instanceof Date && Math.abs(message.dateCreated - Date.now()) < 60_000);
  const { messages: [text] } = await sandbox.phone(TO);
  assert.deepEqual([text.body, text.via, text.code], ["Hello, Ada", "sms", undefined]);
});

test("each change of its status is reported, with a signature that the library's validator accepts", async () => {
  for (const [reachable, last, code] of [[true, "delivered", undefined], [false, "undelivered", "30003"]]) {
    await fetch(`${sandbox.url}/_sandbox/phones/${encodeURIComponent(TO)}`, { method: "PUT", body: JSON.stringify({ reachable }) });
    const hook = await receiver();
    const message = await send({ statusCallback: hook.url });
    const calls = await hook.wait(2);
    assert.deepEqual(calls.map(({ fields }) => fields.MessageStatus), ["sent", last]);
    for (const { headers, fields, url } of calls) {
      assert.equal(fields.MessageSid, message.sid);
      assert.equal(url, "/status?message=1");
      assert.ok(twilio.validateRequest(config.authToken, headers["x-twilio-signature"], hook.url, fields));
      assert.ok(!twilio.validateRequest("another token", headers["x-twilio-signature"], hook.url, fields));
    }
    assert.equal(calls[1].fields.ErrorCode, code);
    assert.equal((await client.messages(message.sid).fetch()).status, last);
    hook.stop();
  }
});

test("text messages are listed in pages, newest first, redacted and removed", async () => {
  await sandbox.reset();
  const sids = [];
  for (let at = 0; at < 5; at += 1) sids.unshift((await send({ body: `Text ${at}` })).sid);
  await send({ to: "+12125550199" });
  const listed = await client.messages.list({ to: TO, pageSize: 2 });
  assert.deepEqual(listed.map(({ sid }) => sid), sids);
  assert.equal((await client.messages(sids[0]).update({ body: "" })).body, "");
  await refused(client.messages(sids[0]).update({ status: "canceled" }), 400, 20001);
  assert.equal(await client.messages(sids[0]).remove(), true);
  await refused(client.messages(sids[0]).fetch(), 404, 20404);
  await refused(client.messages(sids[0]).remove(), 404, 20404);
});

test("messages that cannot be sent are refused with the codes of the real service", async () => {
  // The library does not allow a missing recipient, so it is empty.
  await refused(send({ to: "" }), 400, 21604);
  await refused(send({ from: undefined }), 400, 21603);
  await refused(send({ body: undefined }), 400, 21602);
  await refused(send({ body: "x".repeat(1601) }), 400, 21617);
  await refused(send({ to: "not a number" }), 400, 21211);
  await refused(send({ from: "+15550001111" }), 400, 21606);
  for (const [field, last, status, code] of [
    ["to", 1, 400, 21211], ["to", 2, 400, 21612], ["to", 3, 400, 21408], ["to", 4, 400, 21610], ["to", 9, 400, 21614],
    ["from", 1, 400, 21212], ["from", 7, 400, 21606], ["from", 8, 429, 21611],
  ]) await refused(send({ [field]: MAGIC + last }), status, code);
});

test("another account or token is refused with 401", async () => {
  await refused(account(config.accountSid, "wrong").messages.create({ to: TO, from: config.number, body: "x" }), 401, 20003);
  await refused(account(`AC${"1".repeat(32)}`, config.authToken).messages.list(), 401, 20003);
});

/** Asks again until it is so; fails after ten seconds. */
async function until(ask, isSo) {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    const answer = await ask();
    if (isSo(answer)) return answer;
  }
  return assert.fail("it did not become so within ten seconds");
}

test("texts are counted in segments as GSM 03.38 and UTF-16 say", async () => {
  for (const [body, segments] of [
    ["é".repeat(160), "1"], ["é".repeat(161), "2"], ["€".repeat(80), "1"], ["€".repeat(81), "2"],
    ["ё".repeat(71), "2"], ["😀".repeat(35), "1"], ["😀".repeat(36), "2"],
  ]) assert.equal((await send({ body })).numSegments, segments, body);
});

test("a message may be a picture alone", async () => {
  const mediaUrl = ["https://example.com/one.png", "https://example.com/two.png"];
  const message = await send({ body: undefined, mediaUrl });
  assert.match(message.sid, /^MM[0-9a-f]{32}$/);
  assert.equal(message.numMedia, "2");
  assert.equal((await sandbox.phone(TO)).messages[0].body, mediaUrl.join("\n"));
  await refused(send({ mediaUrl: Array.from({ length: 11 }, (_, at) => `https://example.com/${at}.png`) }), 400, 21623);
});

test("a scheduled message arrives at its time, and not when it was canceled", async () => {
  await sandbox.reset();
  const service = { from: undefined, messagingServiceSid: `MG${"0".repeat(32)}` };
  const at = (minutes) => ({ ...service, scheduleType: "fixed", sendAt: new Date(Date.now() + minutes * 60_000) });
  const [one, other] = [await send(at(20)), await send({ ...at(20), body: "Canceled" })];
  assert.deepEqual([one.status, one.numSegments], ["scheduled", "0"]);
  assert.equal((await client.messages(other.sid).update({ status: "canceled" })).status, "canceled");
  assert.deepEqual((await sandbox.phone(TO)).messages, []);
  await sandbox.advance(20 * 60 + 1);
  const { messages } = await until(() => sandbox.phone(TO), ({ messages }) => messages.length > 0);
  assert.deepEqual(messages.map(({ body }) => body), ["Hello, Ada"]);
  assert.equal((await send({ body: "  indented" })).body, "  indented");
  assert.equal((await sandbox.phone(TO)).messages[0].body, "  indented");
  await refused(send(at(5)), 400, 35114);
  await refused(send({ ...at(20), messagingServiceSid: undefined, from: config.number }), 400, 35118);
});

test("messages are listed by when they were sent", async () => {
  await sandbox.reset();
  const first = await send();
  await until(() => client.messages(first.sid).fetch(), ({ status }) => status === "delivered");
  await sandbox.advance(2 * 86_400);
  const second = await send({ body: "Two days later" });
  await until(() => client.messages(second.sid).fetch(), ({ status }) => status === "delivered");
  const day = (days) => new Date(Date.now() + days * 86_400_000);
  const listed = async (filter) => (await client.messages.list(filter)).map(({ sid }) => sid);
  assert.deepEqual(await listed({ dateSent: day(0) }), [first.sid]);
  assert.deepEqual(await listed({ dateSentAfter: day(1) }), [second.sid]);
  assert.deepEqual(await listed({ dateSentBefore: day(1) }), [first.sid]);
  assert.deepEqual(await listed({ dateSentBefore: day(3), dateSentAfter: day(-1) }), [second.sid, first.sid]);
});
