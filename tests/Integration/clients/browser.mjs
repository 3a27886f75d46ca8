// Drives the page of a running server in Chromium: two windows in one room chat, and see the server go.
//   node browser.mjs URL PID
// URL is the server's address, PID its process, which this ends with SIGTERM. Prints a line per check; exit code 0 when all hold.
import assert from "node:assert/strict";
import { launch } from "./chromium.mjs";

const ROOM = "<i>weir & \u6c34</i>";
const MARKUP = `<b id="injected">bold</b><img src="/nowhere" onerror="document.title = 'hacked'">`;
const WAIT_MS = 10_000;

const [url, pid] = process.argv.slice(2);
const origin = new URL(url).origin;
const complaints = [];

async function check(what, body) {
  await body();
  console.log(`ok: ${what}`);
}

// All that a page logs, throws, or requests elsewhere is recorded, from its first request on.
function watch(page) {
  page.setDefaultTimeout(WAIT_MS);
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (message) => complaints.push(`console ${message.type()}: ${message.text()}`));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) {
      complaints.push(`request to ${request.url()}`);
    }
  });
  page.on("websocket", (socket) => {
    if (new URL(socket.url()).host !== new URL(url).host) {
      complaints.push(`WebSocket to ${socket.url()}`);
    }
  });
}

const inState = (page, state) => page.locator(`html[data-state="${state}"]`).waitFor();
const text = (page, id) => page.locator(`#${id}`).textContent();

async function say(page, message, kind = "text") {
  await page.locator("#kind").selectOption(kind);
  await page.locator("#message").fill(message);
  await page.locator("#message").press("Enter");
}

// Waits for the number of messages in the log, own ones included, and returns them in order.
async function messages(page, number) {
  const items = page.locator("#entries > .own, #entries > .other");
  await items.nth(number - 1).waitFor();
  return items.evaluateAll((all) => all.map((item) => ({
    kind: item.className,
    body: item.querySelector(".body").textContent,
    size: item.querySelector(".size").textContent,
  })));
}

async function run(context) {
  const first = await context.newPage();
  await first.goto(`${url}?room=${encodeURIComponent(ROOM)}`);
  await inState(first, "open");

  let second;
  await check("the second window joins the same room", async () => {
    [second] = await Promise.all([context.waitForEvent("page"), first.locator("#second").click()]);
    await inState(second, "open");
    assert.equal(await text(second, "state"), `Connected to ${ROOM}`);
    assert.equal(await second.locator("#room").inputValue(), ROOM);
  });

  await check("messages go both ways, and not back to their sender", async () => {
    await say(first, "Is the gate open?");
    assert.deepEqual(await messages(second, 1), [{ kind: "other", body: "Is the gate open?", size: "17 B" }]);
    await say(second, "It is: \u6c34");
    // An echo of the question would have come before the answer.
    assert.deepEqual(await messages(first, 2), [
      { kind: "own", body: "Is the gate open?", size: "17 B" },
      { kind: "other", body: "It is: \u6c34", size: "10 B" },
    ]);
  });

  await check("markup stays text", async () => {
    await say(first, MARKUP);
    assert.equal((await messages(second, 3))[2].body, MARKUP);
    for (const page of [first, second]) {
      assert.equal(await page.locator("#injected, #entries img, #state i").count(), 0);
      assert.equal(await page.title(), `${ROOM} – Weir`);
    }
  });

  await check("bytes are shown in hex with their number", async () => {
    await say(second, "48 69 00 fF", "binary");
    assert.deepEqual((await messages(first, 4))[3], { kind: "other", body: "48 69 00 ff", size: "4 B" });
  });

  await check("what is no hex is not sent", async () => {
    await say(second, "48 6", "binary");
    assert.match(await text(second, "hint"), /^Not sent/);
    assert.equal(await second.locator("#message").inputValue(), "48 6");
  });

  await check("the counters agree with what went through", async () => {
    const counters = async (page) => {
      const ids = ["messages-in", "bytes-in", "messages-out", "bytes-out"];
      return Promise.all(ids.map((id) => text(page, id)));
    };
    const out = String(17 + MARKUP.length);
    assert.deepEqual(await counters(first), ["2", "14", "2", out]);
    assert.deepEqual(await counters(second), ["2", out, "2", "14"]);
    // What was just sent counts as queued until the page looks again.
    await second.locator("#queued", { hasText: /^0$/ }).waitFor();
  });

  await check("Disconnect ends with 1000, and Connect joins again", async () => {
    await second.locator("#disconnect").click();
    await inState(second, "closed");
    assert.equal(await text(second, "ending-code"), "1000");
    assert.equal(await text(second, "ending-by"), "this page");
    await second.locator("#connect").click();
    await inState(second, "open");
    assert.equal(await second.locator("#ending").isVisible(), false);
  });

  await check("a window changes the room without leaving anything behind", async () => {
    await second.locator("#room").fill("elsewhere");
    await second.locator("#room").press("Enter");
    await second.locator("#entries > .event", { hasText: "Joined elsewhere." }).waitFor();
    await second.locator("#entries > .event", { hasText: `Left ${ROOM}: 1000.` }).waitFor();
    assert.equal(await text(second, "state"), "Connected to elsewhere");
    assert.equal(new URL(second.url()).searchParams.get("room"), "elsewhere");
  });

  await check("Centrifugo's protocol is a second way into the same room, with who is there and what was missed", async () => {
    await first.locator("#room").fill("kept");
    await first.locator("#room").press("Enter");
    await first.locator("#entries > .event", { hasText: "Joined kept." }).waitFor();
    await say(first, "before");

    const third = await context.newPage();
    await third.goto(`${url}?room=kept&protocol=centrifugo`);
    await inState(third, "open");
    assert.equal(await third.locator("#endpoint").textContent(), `${url.replace("http", "ws")}connection/websocket`);
    await third.locator("#present", { hasText: /^2: / }).waitFor();
    assert.match(await text(third, "present"), /\byou\b/);
    assert.deepEqual(await messages(third, 1), [{ kind: "other", body: "before", size: "6 B" }]);
    await third.locator("#position", { hasText: /^1 in epoch / }).waitFor();

    await say(third, "from the other way");
    assert.deepEqual((await messages(third, 2))[1], { kind: "own", body: "from the other way", size: "18 B" });
    await first.locator("#entries > .other", { hasText: "\"from the other way\"" }).waitFor();
    await say(first, "00 ff", "binary");
    assert.deepEqual((await messages(third, 3))[2], { kind: "other", body: "00 ff", size: "2 B" });
    await say(third, "00 ff", "binary");
    assert.match(await text(third, "hint"), /^Not sent/);
    await third.locator("#message").fill("");

    await third.locator("#disconnect").click();
    await inState(third, "closed");
    await say(first, "you were away");
    await third.locator("#connect").click();
    await third.locator("#entries > .event", { hasText: "1 missed meanwhile, replayed:" }).waitFor();
    assert.deepEqual((await messages(third, 4))[3], { kind: "other", body: "you were away", size: "13 B" });
    await third.locator("#position", { hasText: /^4 in epoch / }).waitFor();
    await third.close();

    await first.locator("#room").fill(ROOM);
    await first.locator("#room").press("Enter");
    await inState(first, "open");
  });

  await check("a page that is put aside leaves its room, and joins again when it is shown", async () => {
    // As the browser does around the back/forward cache, which a page that is driven over DevTools does not get into.
    await first.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })));
    await inState(first, "closed");
    assert.equal(await text(first, "ending-code"), "1000");
    await first.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
    await inState(first, "open");
  });

  await check("a window of 360 pixels does not scroll sideways", async () => {
    await second.setViewportSize({ width: 360, height: 740 });
    assert.equal(await second.evaluate(() => document.documentElement.scrollWidth), 360);
  });

  await check("a server that shuts down is seen as 1001, with its meaning", async () => {
    process.kill(Number(pid), "SIGTERM");
    for (const page of [first, second]) {
      await inState(page, "closed");
      assert.equal(await text(page, "ending-code"), "1001");
      assert.equal(await text(page, "ending-name"), "Going away");
      assert.match(await text(page, "ending-meaning"), /shutting down/);
      assert.match(await text(page, "ending-advice"), /Reconnect after a random delay/);
      assert.equal(await text(page, "ending-by"), "the server");
      assert.equal(await page.locator("#ending").isVisible(), true);
      assert.equal(await page.locator("tr[aria-current] .number").textContent(), "1001");
    }
  });

  await check("without a connection the text is kept", async () => {
    await say(first, "Anyone?");
    assert.match(await text(first, "hint"), /^Not sent/);
    assert.equal(await first.locator("#message").inputValue(), "Anyone?");
  });

  await check("nothing complained, and nothing was asked of anyone else", async () => {
    assert.deepEqual(complaints, []);
  });

  await check("a server that is gone is seen as 1006", async () => {
    await first.locator("#connect").click();
    await inState(first, "closed");
    assert.equal(await text(first, "ending-code"), "1006");
    assert.equal(await text(first, "ending-lasted"), "never");
  });
}

const browser = await launch();
try {
  const context = await browser.newContext();
  context.on("page", watch);
  await run(context);
  console.log("all checks hold");
} catch (error) {
  console.error(error, complaints);
  process.exitCode = 1;
} finally {
  await browser.close();
}
