// Measures how soon the page is there over a slow line; `cargo xtask bench` runs it. Prints milliseconds as JSON.
import { startApp } from "./app.mjs";

const ROUNDS = 5;
/** 1.6 Mbit/s, 150 ms from the request to the response. */
const LINE = { offline: false, latency: 150, downloadThroughput: 1.6e6 / 8, uploadThroughput: 1.6e6 / 8 };

const median = (values) => values.sort((one, other) => one - other)[Math.floor(values.length / 2)];

/** Loads a page anew; resolves with what `measure` returns in it. */
async function load(app, path, measure) {
  const { page, context } = await app.visitor();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", LINE);
  await page.goto(app.url + path, { waitUntil: "commit" });
  const measured = await measure(page);
  await context.close();
  return measured;
}

/** When the first content was painted. */
async function painted(page) {
  const entry = await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime, undefined, { polling: 20 });
  return entry.jsonValue();
}

/** When the program has taken over, so that what is typed can be sent. */
async function usable(page) {
  await page.waitForFunction(() => document.body && !document.getElementById("frame") && document.querySelector("main input"), undefined, { polling: "raf" });
  return page.evaluate(() => performance.now());
}

const app = await startApp();
try {
  const [paints, fields] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    paints.push(await load(app, "/", painted));
    fields.push(await load(app, "/login", usable));
  }
  console.log(JSON.stringify({ paint: median(paints), field: median(fields) }));
} finally {
  await app.stop();
}
