// Holds every answer of the sandbox next to the vendor's description of the API.
import { readFileSync } from "node:fs";
import assert from "node:assert/strict";
import Ajv from "ajv";

const file = new URL("./reference/twilio_verify_v2.openapi.json", import.meta.url);
const description = JSON.parse(readFileSync(file, "utf8"));

/** `nullable` needs a type beside it; where there is none, anything is allowed anyway. */
function tidy(schema) {
  if (Array.isArray(schema)) return schema.map(tidy);
  if (schema === null || typeof schema !== "object") return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, tidy(value)]));
  if (copy.nullable && !copy.type) delete copy.nullable;
  return copy;
}

const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema(tidy(description), "verify");

/** Every operation but those of passkeys, as `METHOD /path`. */
export const operations = Object.entries(description.paths)
  .filter(([path]) => !path.includes("/Passkeys/"))
  .flatMap(([path, methods]) =>
    Object.keys(methods).filter((name) => ["get", "post", "delete"].includes(name)).map((name) => `${name.toUpperCase()} ${path}`));

const patterns = operations.map((operation) => {
  const [method, path] = operation.split(" ");
  const literal = path.split("{").length;
  return { operation, method, path, literal, pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`) };
}).sort((one, other) => one.literal - other.literal);

const pointer = (path) => path.replaceAll("~", "~0").replaceAll("/", "~1").replaceAll("{", "%7B").replaceAll("}", "%7D");
const resolve = (schema) => (schema.$ref ? schema.$ref.split("/").slice(1).reduce((at, name) => at[name], description) : schema);

/** The answer has exactly the members of its schema, at the top and in each item of a list. */
function hasItsKeys(schema, body, what) {
  const properties = resolve(schema).properties ?? {};
  assert.deepEqual(Object.keys(body).sort(), Object.keys(properties).sort(), what);
  for (const [name, property] of Object.entries(properties)) {
    const items = resolve(property).items;
    if (items && Array.isArray(body[name])) {
      for (const item of body[name]) if (resolve(items).properties) hasItsKeys(items, item, `${what} ${name}`);
    }
  }
}

/** Asserts that an answer is one of its operation; returns which that is. */
export function fits({ method, url, status, body }) {
  const path = decodeURIComponent(new URL(url).pathname);
  const found = patterns.find((known) => known.method === method && known.pattern.test(path));
  assert.ok(found, `${method} ${path} is no operation`);
  if (status >= 400) {
    assert.deepEqual(Object.keys(body).sort(), ["code", "message", "more_info", "status"], `${method} ${path}`);
    return undefined;
  }
  const responses = description.paths[found.path][found.method.toLowerCase()].responses;
  assert.ok(responses[status], `${found.operation} answers ${status}`);
  const content = responses[status].content?.["application/json"];
  if (!content) {
    assert.equal(status, 204, found.operation);
    return found.operation;
  }
  const reference = `verify#/paths/${pointer(found.path)}/${found.method.toLowerCase()}/responses/${status}/content/application~1json/schema`;
  const validate = ajv.getSchema(reference) ?? assert.fail(`no schema at ${reference}`);
  assert.ok(validate(body), `${found.operation}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`);
  hasItsKeys(content.schema, body, found.operation);
  return found.operation;
}
