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
  sandbox = await startSandbox();
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
