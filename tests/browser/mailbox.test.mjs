// The sandbox's mailbox on its page: e-mails arrive by themselves, with their links, their text and their HTML.
import { test, before, after, afterEach } from "node:test";
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { accessible, eventually, fits, hasCount, startApp } from "./app.mjs";

const TEXT = `Hello Ada, choose a new password:
http://127.0.0.1:9/reset#p8Rk5M.

<b>not markup</b>`;
const HTML = `<!doctype html><html><head><style>h1 { color: rgb(1, 2, 3) }</style><script>document.title = "ran"</script></head>
<body><h1>Choose a new password</h1><p style="color: rgb(4, 5, 6)">Hello Ada.</p>
<p><a href="http://127.0.0.1:9/reset#p8Rk5M">Choose a new password</a></p></body></html>`;

let app;
before(async () => (app = await startApp()));
afterEach(() => app.leave());
after(() => app.stop());

/** The page of an empty mailbox. */
async function open(options) {
  const visitor = await app.visitor(options);
  await app.sandbox.reset();
  await visitor.page.goto(app.sandbox.url);
  await visitor.page.getByText("No emails yet.", { exact: true }).waitFor();
  return visitor;
}

/** Sends an e-mail by SMTP, all commands at once. */
async function send(to, subject, body = TEXT, type = "text/plain; charset=utf-8") {
  const { smtpUrl } = await (await fetch(`${app.sandbox.url}/_sandbox/config`)).json();
  const { hostname, port } = new URL(smtpUrl);
  const lines = [
    "EHLO test", "MAIL FROM:<no-reply@example.com>", `RCPT TO:<${to}>`, "DATA",
    "From: Countersign <no-reply@example.com>", `To: <${to}>`, `Subject: ${subject}`, `Content-Type: ${type}`, "",
    ...body.split("\n"), ".", "QUIT", "",
  ];
  const client = connect(Number(port), hostname);
  let answers = "";
  client.on("data", (text) => (answers += text));
  client.write(lines.join("\r\n"));
  await once(client, "close");
  assert.match(answers, /250 2\.6\.0/);
}

const sendBoth = (to, subject) => send(to, subject,
  `--part\nContent-Type: text/plain; charset=utf-8\n\n${TEXT}\n--part\nContent-Type: text/html; charset=utf-8\n\n${HTML}\n--part--`,
  "multipart/alternative; boundary=part");

const items = (page) => page.getByRole("region", { name: "Mailbox" }).getByRole("listitem");

test("e-mails appear by themselves, the newest first, and an open one stays open", async () => {
  const { page, problems } = await open();
  await accessible(page, "an empty mailbox");
  await send("ada@example.com", "First");
  await hasCount(items(page), 1);
  const first = items(page).filter({ hasText: "First" });
  await first.getByText("First", { exact: true }).click();
  const text = first.getByText("<b>not markup</b>");
  await text.waitFor();
  await send("grace@example.com", "Second");
  await hasCount(items(page), 2);
  const shown = await items(page).allTextContents();
  assert.match(shown[0], /SecondToday, \d\d:\d\dTo grace@example\.comFrom Countersign <no-reply@example\.com>/);
  assert.match(shown[1], /FirstToday.*To ada@example\.com/);
  assert.ok(await text.isVisible());
  await fetch(`${app.sandbox.url}/_sandbox/mail`, { method: "DELETE" });
  await page.getByText("No emails yet.", { exact: true }).waitFor();
  await hasCount(items(page), 0);
  assert.deepEqual(problems, []);
});

test("a link in the text opens in a new tab that knows nothing of this one", async () => {
  const { page } = await open();
  await send("ada@example.com", "Choose a new password");
  await items(page).getByText("Choose a new password", { exact: true }).click();
  const link = items(page).getByRole("link", { name: "http://127.0.0.1:9/reset#p8Rk5M (new tab)", exact: true });
  assert.deepEqual(await link.evaluate(({ href, target, rel }) => [href, target, rel]), ["http://127.0.0.1:9/reset#p8Rk5M", "_blank", "noopener"]);
  await hasCount(items(page).getByRole("button"), 0);
});

test("the HTML is shown with its styles, without scripts, and its links open in a new tab", async () => {
  const { page, context, problems } = await open();
  await context.route("http://127.0.0.1:9/**", (route) => route.fulfill({ contentType: "text/html", body: "<title>reset</title>" }));
  await sendBoth("ada@example.com", "Choose a new password");
  await items(page).getByText("Choose a new password", { exact: true }).click();
  const button = (name) => items(page).getByRole("button", { name, exact: true });
  const frame = page.frameLocator("iframe");
  await button("HTML").waitFor();
  assert.equal(await page.locator("iframe").isVisible(), false, "the text is shown first");
  await button("HTML").click();
  assert.equal(await button("HTML").getAttribute("aria-pressed"), "true");
  const colour = (locator) => locator.evaluate((element) => getComputedStyle(element).color);
  assert.equal(await colour(frame.getByRole("heading", { name: "Choose a new password" })), "rgb(1, 2, 3)");
  assert.equal(await colour(frame.getByText("Hello Ada.")), "rgb(4, 5, 6)");
  assert.notEqual(await frame.locator("html").evaluate(() => document.title), "ran");
  const opened = context.waitForEvent("page");
  await frame.getByRole("link", { name: "Choose a new password" }).click();
  const tab = await opened;
  await eventually(async () => assert.equal(await tab.title(), "reset"));
  assert.equal(await tab.evaluate(() => globalThis.opener), null);
  await button("Text").click();
  await items(page).getByText("<b>not markup</b>").waitFor();
  assert.equal(await page.locator("iframe").isVisible(), false);
  // The browser says that it ran no script of the frame.
  assert.deepEqual(problems.filter((problem) => !/sandboxed/.test(problem)), []);
});

for (const width of [390, 1280]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`the mailbox fits ${width} pixels and is accessible in the ${colorScheme} scheme`, async () => {
      const { page } = await open({ viewport: { width, height: 800 }, colorScheme });
      await sendBoth(`${"a-long-address-".repeat(4)}@example.com`, "A subject that is too long for one line of a narrow window");
      await send("ada@example.com", "Choose a new password");
      await hasCount(items(page), 2);
      for (const subject of [/^A subject/, /^Choose/]) await items(page).getByText(subject).click();
      await fits(page, "text");
      await accessible(page, "text");
      await items(page).getByRole("button", { name: "HTML", exact: true }).click();
      await fits(page, "HTML");
      await accessible(page, "HTML");
    });
  }
}
