// The centrifuge SDK under orders, in Node or in headless Chromium.
//   node sdk.mjs node|chromium SETTINGS
// SETTINGS is JSON, see sdk-driver.js. Reads an order per line, each with a number "id", and prints a line of JSON per answer
// and per event. Ends with its input.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { StreamTap } from "./stream-tap.mjs";

const require = createRequire(import.meta.url);
const driverFile = fileURLToPath(new URL("sdk-driver.js", import.meta.url));
const report = (event) => console.log(JSON.stringify(event));
const [where, settingsText] = process.argv.slice(2);
const settings = JSON.parse(settingsText);

// Node has none. As much of it as the SDK needs.
class EventSource {
  #abort = new AbortController();
  #tap;

  constructor(url, tap) {
    this.#tap = tap;
    this.#listen(url).catch((error) => this.onerror?.(error));
  }

  close() {
    this.#abort.abort();
    this.onerror = null;
  }

  async #listen(url) {
    const response = await fetch(url, { headers: { accept: "text/event-stream" }, signal: this.#abort.signal });
    if (!response.ok) {
      throw new Error(`status ${response.status}`);
    }
    this.onopen?.();
    let rest = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const events = (rest + chunk).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        const data = event.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
        if (data.length > 0) {
          data.forEach((line) => this.#tap.received(line));
          this.onmessage?.({ data: data.join("\n") });
        }
      }
    }
    throw new Error("the stream ended");
  }
}

// What a client reaches its streams with.
function streamsOf(name) {
  const tap = new StreamTap((event) => settings.tap && report({ of: name, ...event }));
  return {
    EventSource: class extends EventSource {
      constructor(url) {
        super(url, tap);
      }
    },
    fetch: (url, options) => {
      const isStream = url !== settings.emulation;
      if (!isStream) {
        tap.sent(options.body);
      }
      const response = fetch(url, options).then((answer) => isStream ? tapped(answer, tap) : answer);
      // The SDK drops the promises of its commands, and one that rejects would end this process
      // (findings/centrifuge-js-unhandled-emulation-failure.sh).
      response.catch((error) => report({ of: name, event: "fetch failed", message: String(error.cause ?? error) }));
      return response;
    },
  };
}

// As much of a response as the SDK needs.
function tapped({ ok, status, body }, tap) {
  tap.opened();
  const reader = body.getReader();
  const read = async () => {
    const piece = await reader.read();
    if (ok && !piece.done) {
      tap.receivedBytes(piece.value);
    }
    return piece;
  };
  return { ok, status, body: { getReader: () => ({ read }) } };
}

async function inNode() {
  require("./sdk-driver.js");
  const { Centrifuge } = require("centrifuge");
  const WebSocket = require("ws");
  return { perform: globalThis.makeDriver(Centrifuge, { ...settings, WebSocket, streamsOf }, report), close: () => {} };
}

async function inChromium() {
  const { launch } = await import("./chromium.mjs");
  const browser = await launch();
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  page.on("pageerror", (error) => report({ event: "page error", message: error.message }));
  await page.exposeFunction("report", report);
  await page.goto(settings.page); // of the server's own origin
  await page.addScriptTag({ path: require.resolve("centrifuge").replace(/build.index\.js$/, "dist/centrifuge.js") });
  await page.addScriptTag({ path: driverFile });
  await page.evaluate((given) => {
    window.perform = window.makeDriver(window.Centrifuge, { ...given, WebSocket, EventSource }, window.report);
  }, settings);
  return { perform: (order) => page.evaluate((given) => window.perform(given), order), close: () => browser.close() };
}

const { perform, close } = await (where === "chromium" ? inChromium() : inNode());
report({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  perform(order).then((answer) => report({ answer: order.id, ...answer }));
}
await close();
process.exit(0);
