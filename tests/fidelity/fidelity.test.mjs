// What the conformance tests have called, as a table in docs/SANDBOX.md. Run after them, by `cargo xtask test
// conformance`; with WRITE_FIDELITY set it writes the table, otherwise it compares.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { absent, calls } from "./calls.mjs";

const BEGIN = "<!-- fidelity -->";
const END = "<!-- end of fidelity -->";
const document = new URL("../../docs/SANDBOX.md", import.meta.url);

/** The clients that had each call answered. */
function heldBy() {
  const held = new Map(calls.map((known) => [known, new Set()]));
  const folder = process.env.CONFORMANCE_REPORT;
  for (const file of readdirSync(folder)) {
    const { client, requests } = JSON.parse(readFileSync(join(folder, file), "utf8"));
    for (const request of requests) {
      // The most literal path: `/Attempts/Summary` is no attempt.
      const found = calls.filter(({ pattern }) => pattern.test(request)).sort((one, other) => one.names - other.names)[0];
      if (found) held.get(found).add(client);
    }
  }
  return held;
}

function table(held) {
  const rows = new Map();
  for (const [{ api, method, path, how }, clients] of held) {
    const key = [api, path, how, [...clients].sort().join(", ")].join("|");
    rows.set(key, { api, path, how, clients: [...clients].sort(), methods: [...(rows.get(key)?.methods ?? []), method] });
  }
  const lines = ["| API | call | here | held by |", "| --- | --- | --- | --- |"];
  for (const { api, path, how, clients, methods } of rows.values()) {
    lines.push(`| ${api} | ${methods.join(", ")} \`${path}\` | ${how} | ${clients.join(", ")} |`);
  }
  return lines.join("\n");
}

test("the table of docs/SANDBOX.md says what was called, and by whom", () => {
  const held = heldBy();
  const text = readFileSync(document, "utf8");
  const [before, rest] = text.split(BEGIN);
  const [now, after] = rest.split(END);
  const made = `\n${table(held)}\n`;
  if (process.env.WRITE_FIDELITY) writeFileSync(document, `${before}${BEGIN}${made}${END}${after}`);
  else assert.equal(now, made, "run `WRITE_FIDELITY=1 cargo xtask test conformance`");
});

test("every call that the sandbox plays is held by a client", () => {
  const unheld = [...heldBy()].filter(([{ how }, clients]) => how !== absent && clients.size === 0);
  assert.deepEqual(unheld.map(([{ call }]) => call), []);
});
