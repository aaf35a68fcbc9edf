// Calls that no npm library makes, and details of requests and responses that clients in other languages need.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer, get } from "node:http";
import { once } from "node:events";
import { KEY, startSandbox } from "./start.mjs";

let sandbox;
let ACCOUNT;
let TOKEN;
before(async () => {
  sandbox = await startSandbox("HTTP");
  ({ accountSid: ACCOUNT, authToken: TOKEN } = await (await fetch(`${sandbox.url}/_sandbox/config`)).json());
});
after(() => sandbox.stop());

async function request(method, path, { body, type, key = KEY } = {}) {
  const headers = { "X-Authy-API-Key": key, ...(type && { "Content-Type": type }) };
  const response = await fetch(`${sandbox.url}${path}`, { method, headers, body });
  const text = await response.text();
  return { status: response.status, text, body: text.startsWith("{") ? JSON.parse(text) : undefined, type: response.headers.get("content-type") };
}

async function enrol(phone = "2125550134") {
  const body = JSON.stringify({ user: { email: "ada@example.com", cellphone: phone, country_code: 1 } });
  return (await request("POST", "/protected/json/users/new", { body, type: "application/json" })).body.user.id;
}

test("responses are compact JSON with the provider's content type", async () => {
  const { text, type } = await request("GET", "/protected/json/app/details");
  assert.equal(type, "application/json;charset=utf-8");
  assert.doesNotMatch(text, /": /);
});

test("parameters are taken from query, form and JSON, on GET as on POST", async () => {
  const query = new URLSearchParams({ "user[email]": "a@example.com", "user[cellphone]": "2125550135", "user[country_code]": "1" });
  const byQuery = await request("POST", `/protected/json/users/new?${query}`);
  const byForm = await request("POST", "/protected/json/users/new", { body: query.toString(), type: "application/x-www-form-urlencoded" });
  assert.equal(byQuery.status, 200);
  assert.equal(byQuery.body.user.id, byForm.body.user.id);
  const keyInQuery = await request("GET", `/protected/json/app/details?api_key=${KEY}`, { key: "" });
  assert.equal(keyInQuery.status, 401, "the header takes precedence");
});

test("an unknown path is refused with a JSON error", async () => {
  const { status, body } = await request("GET", "/protected/json/no/such/call");
  assert.deepEqual([status, body.success, body.error_code], [404, false, "60000"]);
});

test("a token with special characters never selects another call", async () => {
  const id = await enrol();
  for (const token of ["..%2Fsms", "1%2F2%23", "%2e%2e", "12a4567", "1", "1".repeat(13)]) {
    const { status } = await request("GET", `/protected/json/verify/${token}/${id}?force=true`);
    assert.ok(status === 401 || status === 404, `${token}: ${status}`);
  }
  assert.deepEqual((await sandbox.phone("+12125550134")).messages, []);
});

test("codes by e-mail, updating a user, reading a number, secrets, the other path for removing", async () => {
  const id = await enrol();
  const mailed = await request("POST", `/protected/json/email/${id}`);
  assert.match(mailed.body.email_id, /^EM[0-9a-f]{32}$/);
  const update = { body: JSON.stringify({ email: "grace@example.com" }), type: "application/json" };
  assert.equal((await request("POST", `/protected/json/users/${id}/update`, update)).body.message, "User was updated successfully");
  assert.equal((await request("GET", `/protected/json/users/${id}/phone_number`)).body.e164, "+12125550134");
  const secret = await request("POST", `/protected/json/users/${id}/secret`, { body: '{"label":"Demo","qr_size":"300"}', type: "application/json" });
  assert.equal(secret.body.label, "Demo");
  const picture = await fetch(secret.body.qr_code);
  assert.equal(picture.headers.get("content-type"), "image/png");
  assert.deepEqual([...new Uint8Array(await picture.arrayBuffer()).slice(1, 4)], [...Buffer.from("PNG")]);
  const exported = await request("GET", `/protected/json/users/${id}/secret/export`);
  assert.match(exported.body.secret, /^[A-Z2-7]{32}$/);
  assert.equal((await request("GET", `/protected/json/verify/${exported.body.otp}/${id}?force=true`)).body.token, "is valid");
  assert.equal((await request("GET", "/protected/json/registrations/status?custom_user_id=x")).status, 404);
  assert.equal((await request("POST", `/protected/json/users/${id}/delete`)).status, 200);
  assert.equal((await request("GET", `/protected/json/users/${id}/status`)).body.status.account_disabled, true);
  assert.equal((await request("GET", `/protected/json/verify/1234567/${id}`)).body.error_code, "60016");
});

test("codes are uniform and keep leading zeros", async () => {
  const first = new Map();
  for (let at = 0; at < 400; at += 1) {
    const phone = `212555${String(at).padStart(4, "0")}`;
    const id = await enrol(phone);
    await request("GET", `/protected/json/sms/${id}?force=true`);
    const { messages: [{ code }] } = await sandbox.phone(`+1${phone}`);
    assert.match(code, /^\d{7}$/);
    first.set(code[0], (first.get(code[0]) ?? 0) + 1);
  }
  // Each of 400 uniform digits is expected 40 times; six standard deviations are 36.
  for (const digit of "0123456789") assert.ok(first.get(digit) > 4 && first.get(digit) < 76, `${digit}: ${first.get(digit)}`);
});

test("calls beyond the limits are refused with 60003", async () => {
  const id = await enrol("2125559000");
  await fetch(`${sandbox.url}/_sandbox/limits`, { method: "PUT", body: '{"sendsPerHour":2}' });
  const statuses = [];
  for (let at = 0; at < 3; at += 1) statuses.push((await request("GET", `/protected/json/sms/${id}?force=true`)).status);
  assert.deepEqual(statuses, [200, 200, 429]);
  await fetch(`${sandbox.url}/_sandbox/limits`, { method: "PUT", body: "{}" });
});

test("faults set the status or body, break the connection, and end after a number of calls", async () => {
  await sandbox.faults({ path: "/protected/json/app", status: 503, times: 1 });
  assert.equal((await request("GET", "/protected/json/app/details")).status, 503);
  assert.equal((await request("GET", "/protected/json/app/details")).status, 200);
  await sandbox.faults({ body: "<html>", times: 1 });
  assert.equal((await request("GET", "/protected/json/app/details")).text, "<html>");
  await sandbox.faults({ dropConnection: true });
  await assert.rejects(request("GET", "/protected/json/app/details"));
  await sandbox.clearFaults();
  const { path, status } = (await sandbox.requests()).at(-1);
  assert.deepEqual([path, status], ["/protected/json/app/details", 200]);
});

/** A server that records callbacks and responds to each with the next status. */
async function receiver(...statuses) {
  const calls = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    calls.push({ text, headers: request.headers });
    response.statusCode = statuses.length > 1 ? statuses.shift() : statuses[0];
    response.end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { calls, url: `http://127.0.0.1:${server.address().port}/hook`, close: () => server.close() };
}

async function approve(id) {
  const body = JSON.stringify({ message: "Login" });
  const { body: created } = await request("POST", `/onetouch/json/users/${id}/approval_requests`, { body, type: "application/json" });
  await sandbox.answer(created.approval_request.uuid, "approve");
}

test("callbacks are signed; they are retried, duplicated and disabled according to the settings", async () => {
  const id = await enrol();
  const hook = await receiver(500, 200);
  await sandbox.webhook({ url: hook.url, retries: 1 });
  await approve(id);
  assert.equal(hook.calls.length, 2, "the attempt that failed and one more");
  const [{ text, headers }] = hook.calls;
  // An independent computation of the signature for a body without nesting below arrays.
  const pairs = (value, name) => {
    if (value !== null && typeof value === "object") {
      const parts = Object.entries(value).filter(([, inner]) => inner === null || typeof inner !== "object" || Object.keys(inner).length > 0);
      return parts.map(([key, inner]) => pairs(inner, name ? `${name}[${key}]` : key)).sort().join("&");
    }
    const encode = (plain) => encodeURIComponent(plain).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`).replace(/%20/g, "+");
    return `${encode(name)}=${encode(value ?? "")}`;
  };
  const signed = `${headers["x-authy-signature-nonce"]}|POST|${hook.url}|${pairs(JSON.parse(text))}`;
  assert.equal(headers["x-authy-signature"], createHmac("sha256", KEY).update(signed).digest("base64"));
  await sandbox.webhook({ mode: "duplicate" });
  await approve(id);
  assert.equal(hook.calls.length, 4);
  assert.equal(hook.calls[2].headers["x-authy-signature"], hook.calls[3].headers["x-authy-signature"]);
  await sandbox.webhook({ mode: "off" });
  await approve(id);
  assert.equal(hook.calls.length, 4);
  hook.close();
  const broken = await receiver(500);
  await sandbox.webhook({ url: broken.url, mode: "normal", disableAfter: 3 });
  for (let at = 0; at < 5; at += 1) await approve(id);
  assert.equal(broken.calls.length, 3);
  broken.close();
});

test("a page of another origin cannot call the control API", async () => {
  const response = await fetch(`${sandbox.url}/_sandbox/reset`, { method: "POST", headers: { Origin: "https://evil.example" } });
  assert.equal(response.status, 403);
});

test("a reset clears everything except the webhook", async () => {
  await enrol();
  await sandbox.webhook({ url: "http://127.0.0.1:9/hook" });
  await sandbox.reset();
  assert.deepEqual(await sandbox.phones(), []);
  const { webhookUrl } = await (await fetch(`${sandbox.url}/_sandbox/config`)).json();
  assert.equal(webhookUrl, "http://127.0.0.1:9/hook");
});

test("a multipart body is read, as some clients send it", async () => {
  const form = new FormData();
  for (const [name, value] of [["user[email]", "ada@example.com"], ["user[cellphone]", "2125550171"], ["user[country_code]", "1"]]) form.append(name, value);
  const headers = { "X-Authy-API-Key": KEY };
  const enrolled = await (await fetch(`${sandbox.url}/protected/json/users/new`, { method: "POST", headers, body: form })).json();
  const question = new FormData();
  question.append("message", "Sign in?");
  question.append("details[Browser]", "Firefox");
  const path = `/onetouch/json/users/${enrolled.user.id}/approval_requests`;
  const asked = await (await fetch(`${sandbox.url}${path}`, { method: "POST", headers, body: question })).json();
  const { approvalRequests: [shown] } = await sandbox.phone("+12125550171");
  assert.deepEqual([shown.uuid, shown.message, shown.details], [asked.approval_request.uuid, "Sign in?", { Browser: "Firefox" }]);
});

test("labels of details may be numbers, in any order", async () => {
  const id = await enrol("2125550172");
  for (const names of [["1", "Browser", "0"], ["Browser", "0", "1"]]) {
    const body = new URLSearchParams({ message: "Sign in?" });
    for (const name of names) body.append(`details[${name}]`, `value ${name}`);
    body.append("logos[1][res]", "low");
    body.append("logos[1][url]", "https://example.com/low.png");
    body.append("logos[0][res]", "default");
    body.append("logos[0][url]", "https://example.com/logo.png");
    await request("POST", `/onetouch/json/users/${id}/approval_requests`, { body: body.toString(), type: "application/x-www-form-urlencoded" });
    const { approvalRequests: [shown] } = await sandbox.phone("+12125550172");
    assert.deepEqual(shown.details, { 0: "value 0", 1: "value 1", Browser: "value Browser" });
    assert.deepEqual(shown.logos.map(({ res }) => res), ["default", "low"]);
  }
});

test("without force, a right code confirms the user and is used up", async () => {
  const id = await enrol("2125550173");
  const verify = async (code, more = "") => (await request("GET", `/protected/json/verify/${code}/${id}${more}`)).status;
  await request("GET", `/protected/json/sms/${id}?force=true`);
  const { messages: [{ code }] } = await sandbox.phone("+12125550173");
  const wrong = code === "0000000" ? "1111111" : "0000000";
  assert.equal(await verify(wrong), 200, "nobody is locked out before the first code");
  assert.equal(await verify(code), 200);
  assert.equal(await verify(code), 401, "it is used up");
  assert.equal(await verify(wrong), 401, "the user is confirmed now");
});

test("calls by the providers' own names are answered, with addresses of that name", async () => {
  const { port } = new URL(sandbox.url);
  const call = (host, path, headers) => new Promise((done, fail) => {
    get({ host: "127.0.0.1", port, path, headers: { Host: host, ...headers } }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      done({ status: response.statusCode, body: text.startsWith("{") ? JSON.parse(text) : undefined });
    }).on("error", fail);
  });
  const Authorization = `Basic ${Buffer.from(`${ACCOUNT}:${TOKEN}`).toString("base64")}`;
  assert.equal((await call("api.authy.com", "/protected/json/app/details", { "X-Authy-API-Key": KEY })).status, 200);
  const listed = await call("verify.twilio.com", "/v2/Services", { Authorization });
  assert.match(listed.body.meta.url, /^https:\/\/verify\.twilio\.com\/v2\/Services\?/);
  assert.equal((await call("api.twilio.com", `/2010-04-01/Accounts/${ACCOUNT}/Messages.json`, { Authorization })).status, 200);
  assert.equal((await call("evil.example", "/v2/Services", { Authorization })).status, 403);
});

test("calls that ask for XML are told that there is none", async () => {
  for (const path of ["/protected/xml/app/details", "/onetouch/xml/approval_requests/x"]) {
    const { status, body } = await request("GET", path);
    assert.equal(status, 404);
    assert.match(body.message, /JSON/);
  }
});

test("Twilio's token has the form that an official client asks for before it sends", async () => {
  assert.match(TOKEN, /^[0-9a-f]{32}$/);
  const list = (token) => fetch(`${sandbox.url}/v2/Services`, { headers: { Authorization: `Basic ${btoa(`${ACCOUNT}:${token}`)}` } });
  assert.equal((await list(TOKEN)).status, 200);
  assert.equal((await list(TOKEN.replace(/.$/, "0"))).status, 401);
});

test("a locale is accepted for texts and calls, errors end without a dot, and a used code is not named again", async () => {
  const id = await enrol("2125550174");
  for (const way of ["sms", "call"]) {
    const { status, body } = await request("GET", `/protected/json/${way}/${id}?force=true&locale=es`);
    assert.deepEqual([status, String(body.success)], [200, "true"]);
  }
  const { messages } = await sandbox.phone("+12125550174");
  const { code } = messages.find(({ code }) => code);
  const verify = () => request("GET", `/protected/json/verify/${code}/${id}?force=true`);
  assert.equal((await verify()).status, 200);
  const { body } = await verify();
  assert.equal(body.error_code, "60019");
  assert.ok(!("token" in body));
  assert.doesNotMatch(body.message, /\.$/);
});
