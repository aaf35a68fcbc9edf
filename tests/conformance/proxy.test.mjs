// The npm package `twilio` with not a line changed: by its proxy settings it reaches the sandbox under the names of
// the real hosts, over TLS.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer, request } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { generate } from "selfsigned";
import { startSandbox } from "./start.mjs";

let sandbox;
let folder;
let proxy;
let tls;
let certificate;

before(async () => {
  sandbox = await startSandbox("twilio (unchanged)");
  folder = await mkdtemp(join(tmpdir(), "countersign-"));
  const names = ["verify.twilio.com", "api.twilio.com"].map((value) => ({ type: 2, value }));
  const made = await generate([{ name: "commonName", value: "verify.twilio.com" }], {
    keySize: 2048, algorithm: "sha256",
    extensions: [{ name: "basicConstraints", cA: true }, { name: "subjectAltName", altNames: names }],
  });
  certificate = join(folder, "certificate.pem");
  await writeFile(certificate, made.cert);
  const { hostname, port } = new URL(sandbox.url);
  // Ends TLS and passes each request on as it is.
  tls = createTlsServer({ key: made.private, cert: made.cert }, (asked, answer) => {
    const passed = request({ host: hostname, port, method: asked.method, path: asked.url, headers: asked.headers }, (response) => {
      answer.writeHead(response.statusCode, response.headers);
      response.pipe(answer);
    });
    asked.pipe(passed);
  });
  proxy = createServer();
  proxy.on("connect", (asked, socket) => {
    if (!asked.url.endsWith(".twilio.com:443")) return socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
    tls.emit("connection", socket);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
});

after(async () => {
  for (const server of [proxy, tls]) server.closeAllConnections();
  proxy.close();
  await sandbox.stop();
  await rm(folder, { recursive: true });
});

test("the library reaches the sandbox under the providers' own names", async () => {
  const { accountSid, authToken, number } = await (await fetch(`${sandbox.url}/_sandbox/config`)).json();
  const program = `
    import twilio from "twilio";
    const client = twilio(process.env.ACCOUNT, process.env.TOKEN);
    const { sid, url } = await client.verify.v2.services.create({ friendlyName: "Countersign" });
    const { status } = await client.verify.v2.services(sid).verifications.create({ to: "+12125550177", channel: "sms" });
    const listed = await client.verify.v2.services.list({ pageSize: 1 });
    const message = await client.messages.create({ to: "+12125550177", from: process.env.NUMBER, body: "Hello" });
    console.log(JSON.stringify({ url, status, listed: listed.length, message: message.status }));
  `;
  const address = `http://127.0.0.1:${proxy.address().port}`;
  const env = {
    ...process.env, ACCOUNT: accountSid, TOKEN: authToken, NUMBER: number,
    HTTP_PROXY: address, HTTPS_PROXY: address, NODE_EXTRA_CA_CERTS: certificate,
  };
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], { env, cwd: import.meta.dirname });
  const told = JSON.parse(stdout);
  assert.match(told.url, /^https:\/\/verify\.twilio\.com\/v2\/Services\/VA[0-9a-f]{32}$/);
  // Three services are there from the start.
  assert.deepEqual([told.status, told.listed, told.message], ["pending", 4, "queued"]);
  const { messages } = await sandbox.phone("+12125550177");
  assert.equal(messages.length, 2);
});
