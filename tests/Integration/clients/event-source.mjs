// EventSources of a page in Chromium, over a restart of their server.
//   node event-source.mjs URL
// Prints "open" when all are, and "back" when each has been opened anew by the server that has started meanwhile.
import { launch } from "./chromium.mjs";

const STREAMS = 5; // a browser has six connections to a host
const [url] = process.argv.slice(2);

const browser = await launch();
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(110_000);
  // Shown if the test fails: the response that ended a stream permanently, or the connection error.
  page.on("response", (response) => response.status() === 200 || console.error(`${response.status()} ${response.url()}`));
  page.on("requestfailed", (request) => console.error(`${request.failure()?.errorText} ${request.url()}`));
  await page.goto(`${url}/weir.js`);
  await page.evaluate((count) => {
    window.streams = Array.from({ length: count }, () => {
      const source = new EventSource("/sse?room=a");
      source.addEventListener("error", () => { window.hasBroken = true; });
      return source;
    });
  }, STREAMS);
  await page.waitForFunction(() => window.streams.every((source) => source.readyState === EventSource.OPEN));
  console.log("open");
  await page.waitForFunction(() => window.hasBroken && window.streams.every((source) => source.readyState !== EventSource.OPEN));
  // Open, and still so a moment later: an answer that only has the delay to reconnect is open for an instant too.
  await page.waitForFunction(() => {
    if (window.streams.some((source) => source.readyState === EventSource.CLOSED)) {
      throw new Error("A stream is closed permanently.");
    }
    if (window.streams.some((source) => source.readyState !== EventSource.OPEN)) {
      window.openSince = undefined;
    }
    window.openSince ??= performance.now();
    return window.streams.every((source) => source.readyState === EventSource.OPEN) && performance.now() - window.openSince > 1500;
  });
  console.log("back");
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
}
