// Starts programs for one test file, and calls the sandbox's control API.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

export const KEY = "sandbox-api-key";

/** A port on which no program listens. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Starts a program and waits until it responds at `url`. `stop` ends it and returns its exit code. */
export async function start(program, env, url, cwd) {
  const child = spawn(program, [], { env: { ...process.env, ...env }, cwd, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (log += text));
  const ended = once(child, "exit");
  const deadline = Date.now() + 120_000;
  for (;;) {
    try {
      await fetch(url);
      break;
    } catch (problem) {
      if (child.exitCode !== null || Date.now() > deadline) {
        child.kill("SIGKILL");
        throw new Error(`${program} did not start: ${log}`, { cause: problem });
      }
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  return {
    log: () => log,
    async stop() {
      child.kill("SIGTERM");
      const [code] = await ended;
      return code;
    },
  };
}

/** A new sandbox with its control API. What `client` had answered is reported, for the table in docs/SANDBOX.md. */
export async function startSandbox(client) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const program = await start(process.env.SANDBOX_PROGRAM, { SANDBOX_PORT: String(port), SANDBOX_SMTP_PORT: "0", WEBHOOK_URL: "" }, `${url}/_sandbox/config`);
  const sandbox = control(url);
  const answered = new Set();
  const note = async () => {
    for (const { method, path, status } of await sandbox.requests()) if (status < 400) answered.add(`${method} ${path}`);
  };
  return {
    ...program,
    ...sandbox,
    reset: async () => {
      await note();
      await sandbox.reset();
    },
    stop: async () => {
      await note();
      const folder = process.env.CONFORMANCE_REPORT;
      if (folder) await writeFile(join(folder, `${process.pid}-${port}.json`), JSON.stringify({ client, requests: [...answered] }));
      return program.stop();
    },
  };
}

/** The control API of a sandbox. */
export function control(url) {
  const call = async (method, path, body) => {
    const response = await fetch(`${url}/_sandbox${path}`, {
      method,
      headers: { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  return {
    url,
    phone: (number) => call("GET", `/phones/${encodeURIComponent(number)}`),
    phones: async () => (await call("GET", "/phones")).phones,
    setApp: (number, authyApp) => call("PUT", `/phones/${encodeURIComponent(number)}`, { authyApp }),
    addDevice: (number, device) => call("POST", `/phones/${encodeURIComponent(number)}/devices`, device),
    answer: (uuid, verb) => call("POST", `/approval-requests/${uuid}/${verb}`),
    advance: (advanceSeconds) => call("PUT", "/clock", { advanceSeconds }),
    faults: (fault) => call("PUT", "/faults", fault),
    clearFaults: () => call("DELETE", "/faults"),
    verify: (switches) => call("PUT", "/verify", switches),
    webhook: (settings) => call("PUT", "/webhook", settings),
    requests: async () => (await call("GET", "/requests")).requests,
    reset: () => call("POST", "/reset"),
  };
}
