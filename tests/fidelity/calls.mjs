// Every call of the providers, and how far the sandbox plays it.
import { readFileSync } from "node:fs";

const EMULATED = "emulated";
const THIN = "thin: kept and shown";
const ABSENT = "not there";

const authy = [
  "POST /protected/json/users/new", "POST /protected/json/users/{id}/remove", "POST /protected/json/users/{id}/delete",
  "POST /protected/json/users/delete/{id}", "GET /protected/json/users/{id}/status", "POST /protected/json/users/{id}/secret",
  "GET /protected/json/users/{id}/secret/export", "POST /protected/json/users/{id}/register_activity",
  "POST /protected/json/users/{id}/update", "GET /protected/json/users/{id}/phone_number",
  "GET /protected/json/sms/{id}", "GET /protected/json/call/{id}", "POST /protected/json/email/{id}",
  "GET /protected/json/verify/{token}/{id}", "POST /protected/json/phones/verification/start",
  "GET /protected/json/phones/verification/check", "GET /protected/json/phones/verification/status",
  "GET /protected/json/phones/info", "POST /onetouch/json/users/{id}/approval_requests",
  "GET /onetouch/json/approval_requests/{uuid}",
].map((call) => ({ api: "Authy", call, how: EMULATED }));
authy.push(
  { api: "Authy", call: "GET /protected/json/app/details", how: THIN },
  { api: "Authy", call: "GET /protected/json/app/stats", how: THIN },
  { api: "Authy", call: "GET /protected/json/registrations/status", how: ABSENT },
);

const messages = [
  ["POST", "", EMULATED], ["GET", "", EMULATED], ["GET", "/{Sid}", EMULATED], ["POST", "/{Sid}", EMULATED],
  ["DELETE", "/{Sid}", EMULATED], ["GET", "/{Sid}/Media", ABSENT], ["GET", "/{Sid}/Media/{MediaSid}", ABSENT],
  ["DELETE", "/{Sid}/Media/{MediaSid}", ABSENT], ["POST", "/{Sid}/Feedback", ABSENT],
].map(([method, path, how]) => ({ api: "Messages", call: `${method} /2010-04-01/Accounts/{AccountSid}/Messages${path}.json`, how }));

const description = JSON.parse(readFileSync(new URL("../conformance/reference/twilio_verify_v2.openapi.json", import.meta.url), "utf8"));
const thin = ["/v2/Attempts", "/v2/Templates", "/v2/SafeList", "/v2/Forms", "/v2/Services/{ServiceSid}/MessagingConfigurations"];
const verify = Object.entries(description.paths).flatMap(([path, methods]) =>
  ["post", "get", "delete"].filter((method) => methods[method]).map((method) => {
    const how = path.includes("/Passkeys/") ? ABSENT : thin.some((prefix) => path.startsWith(prefix)) ? THIN : EMULATED;
    return { api: "Verify", call: `${method.toUpperCase()} ${path}`, how };
  })).sort((one, other) => (one.call.split(" ")[1] < other.call.split(" ")[1] ? -1 : 1));

/** `pattern` matches the method and path of a request. */
export const calls = [...authy, ...messages, ...verify].map((known) => {
  const [method, path] = known.call.split(" ");
  const pattern = new RegExp(`^${method} ${path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`);
  return { ...known, method, path, pattern, names: path.split("{").length };
});
export const absent = ABSENT;
