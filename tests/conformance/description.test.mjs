// The API description: checked with an independent validator, and against real responses.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";
import { freePort, start } from "./start.mjs";

let folder;
let server;
let url;
let document;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-"));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const env = { PORT: String(port), SANDBOX_PORT: String(await freePort()), BCRYPT_COST: "4", PAGE_DIR: folder };
  server = await start(process.env.SERVER_PROGRAM, env, `${url}/healthz`, folder);
  document = await (await fetch(`${url}/openapi.json`)).json();
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

test("it is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  assert.ok(valid, JSON.stringify(errors, null, 1));
  assert.equal(validator.version, "3.1");
  assert.ok(Object.keys(document.paths).length > 30);
  // Fails if a reference cannot be resolved.
  validator.resolveRefs();
});

/** Makes a call and validates the response against its description. Returns the body. */
async function described(method, path, { token, body, at = path } = {}) {
  const response = await fetch(url + path, {
    method,
    headers: { "Content-Type": "application/json", ...(token && { "X-API-TOKEN": token }) },
    body: body && JSON.stringify(body),
  });
  const json = await response.json();
  const responses = document.paths[at][method.toLowerCase()].responses;
  const schema = responses[response.status]?.content?.["application/json"]?.schema;
  assert.ok(schema, `${method} ${at} ${response.status} is described`);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const validate = ajv.compile({ ...schema, components: document.components });
  assert.ok(validate(json), `${method} ${at} ${response.status}: ${JSON.stringify(validate.errors)} ${JSON.stringify(json)}`);
  return json;
}

test("real responses match it", async () => {
  const person = { fullName: "Ada Lovelace", email: "ada@example.com", phone: "7700900123", countryCode: "44", password: "notes on the engine" };
  const { token } = await described("POST", "/user", { body: person });
  await described("POST", "/user", { body: person });
  await described("POST", "/user", { body: {} });
  await described("GET", "/user", { token });
  await described("GET", "/user");
  await described("GET", "/authy/status", { token });
  await described("POST", "/approvals", { token, body: { message: "x" } });
  await described("POST", "/session/resend", { token });
  await described("POST", "/session/verify", { token, body: { code: "12" } });
  await described("POST", "/session", { body: person });
  const made = await described("POST", "/users", { body: { ...person, email: "grace@example.com" } });
  await described("GET", `/users/${made.id}`, { token: made.token, at: "/users/{id}" });
  await described("POST", "/api/login", { body: { username: "nobody", password: "x" } });
  await described("POST", "/api/loggedIn", { token });
  await described("POST", "/api/verification/start", { body: { phoneNumber: "+447700900555" } });
  await described("POST", "/api/accountsecurity/onetouchstatus", { token });
});
