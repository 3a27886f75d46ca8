// Tests src/Host/Pages/weir.js as the server serves it.
//   node weir-js.mjs node URL              with the package ws, a clock that this moves, and a WebSocket that this plays
//   node weir-js.mjs browser URL PID       in Chromium, against the server, whose process this stops, continues and ends
// Prints a line per check; exit code 0 when all hold.
import assert from "node:assert/strict";

const [mode, url, pid] = process.argv.slice(2);
const script = await (await fetch(new URL("/weir.js", url))).text();

async function check(what, body) {
  await body();
  console.log(`ok: ${what}`);
}

// A clock that only moves when it is told to.
class Clock {
  #now = 0;
  #timers = new Map();
  #last = 0;
  options = {
    now: () => this.#now,
    setTimeout: (body, ms) => { this.#timers.set(++this.#last, { at: this.#now + ms, body }); return this.#last; },
    clearTimeout: (timer) => this.#timers.delete(timer),
  };

  advance(ms) {
    const end = this.#now + ms;
    for (;;) {
      const [id, next] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (!next || next.at > end) {
        break;
      }
      this.#timers.delete(id);
      this.#now = next.at;
      next.body();
    }
    this.#now = end;
  }
}

// A WebSocket that does what the test says.
class Played extends EventTarget {
  static all = [];
  bufferedAmount = 0;
  sent = [];
  constructor(address) {
    super();
    this.address = address;
    Played.all.push(this);
  }
  send(data) { this.sent.push(data); this.bufferedAmount += data.length; }
  close(code) { this.closedWith = code ?? null; }
  play(type, fields = {}) { this.dispatchEvent(Object.assign(new Event(type), fields)); }
}

function play(WeirClient, options = {}) {
  Played.all = [];
  const clock = new Clock();
  const client = new WeirClient("ws://host/ws", ["a&b", "c"], { WebSocket: Played, random: () => 0.5, ...clock.options, ...options });
  const events = [];
  for (const type of ["open", "message", "lost", "closed"]) {
    client.addEventListener(type, (event) => events.push(event));
  }
  client.start();
  return { client, clock, events, socket: () => Played.all.at(-1), last: () => events.at(-1) };
}

const settled = () => new Promise((resolve) => { setImmediate(resolve); });

async function inNode() {
  const { WeirClient } = await import(`data:text/javascript,${encodeURIComponent(script)}`);
  const { WebSocket } = await import("ws");

  await check("the delays are min(1000 * 2^n, 30000) + rand(0, 1000)", async () => {
    const { clock, socket, last } = play(WeirClient);
    const delays = [];
    for (let n = 0; n < 8; n++) {
      socket().play("close", { code: 1006, reason: "" });
      delays.push(last().retryIn);
      const before = Played.all.length;
      clock.advance(last().retryIn - 1);
      assert.equal(Played.all.length, before);
      clock.advance(1);
      assert.equal(Played.all.length, before + 1);
    }
    assert.deepEqual(delays, [1500, 2500, 4500, 8500, 16500, 30500, 30500, 30500]);
  });

  await check("the count begins anew only after a connection that was stable", async () => {
    for (const [lasted, next] of [[9999, 2500], [10000, 1500]]) {
      const { clock, socket, last } = play(WeirClient);
      socket().play("close", { code: 1006 });
      clock.advance(1500);
      socket().play("open");
      clock.advance(lasted);
      socket().play("close", { code: 1001 });
      assert.equal(last().retryIn, next);
    }
  });

  await check("close codes: come back or stop", async () => {
    const stops = [1000, 1002, 1003, 1007, 1008, 1010, 4401, 4403, 4500, 4999];
    const returns = [1001, 1005, 1006, 1009, 1011, 1012, 1013, 3000, 4000, 4499];
    for (const code of [...stops, ...returns]) {
      const { client, socket, last } = play(WeirClient);
      socket().play("open");
      socket().play("close", { code, reason: "because" });
      assert.equal(last().type, stops.includes(code) ? "closed" : "lost", `${code}`);
      assert.deepEqual([last().code, last().reason], [code, "because"]);
      assert.equal(client.state, stops.includes(code) ? "closed" : "waiting");
    }
  });

  await check("the rooms and the token are in the query; a refused token is asked for again", async () => {
    let asked = 0;
    const { clock, socket } = play(WeirClient, { token: async () => `t${++asked}` });
    await settled();
    assert.equal(socket().address, "ws://host/ws?room=a%26b&room=c&token=t1");
    socket().play("close", { code: 1001 });
    clock.advance(1500);
    await settled();
    assert.match(socket().address, /token=t1$/);
    socket().play("close", { code: 4401 });
    clock.advance(2500);
    await settled();
    assert.match(socket().address, /token=t2$/);
  });

  await check("a callback without a token stops, one that throws is tried again", async () => {
    const none = play(WeirClient, { token: async () => null });
    await settled();
    assert.deepEqual([none.last().type, none.last().reason], ["closed", "no token"]);
    const throwing = play(WeirClient, { token: async () => { throw new Error("down"); } });
    await settled();
    assert.deepEqual([throwing.last().type, throwing.last().reason], ["lost", "the token could not be got: down"]);
  });

  await check("messages wait for a connection, in order, and end as written, unknown or failed", async () => {
    const { client, clock, socket } = play(WeirClient, { maxQueued: 3 });
    const outcomes = [1, 2, 3, 4].map((n) => client.send(`m${n}`));
    assert.equal(await outcomes[3], "failed");
    socket().play("open");
    assert.deepEqual(socket().sent, ["m1", "m2", "m3"]);
    socket().bufferedAmount = 4; // the first has left
    clock.advance(100);
    assert.equal(await outcomes[0], "written");
    socket().play("close", { code: 1006 });
    assert.deepEqual(await Promise.all(outcomes.slice(1, 3)), ["unknown", "unknown"]);
    const waiting = client.send("m5");
    client.close();
    assert.equal(await waiting, "failed");
    assert.equal(await client.send("m6"), "failed");
  });

  await check("what does not leave is a dead link", async () => {
    const { client, clock, socket, last } = play(WeirClient);
    socket().play("open");
    const outcome = client.send("stuck");
    const stuck = socket();
    clock.advance(9900);
    assert.equal(client.state, "open");
    clock.advance(200);
    assert.deepEqual([last().type, last().code, last().reason], ["lost", 0, "what was sent does not leave"]);
    assert.equal(await outcome, "unknown");
    assert.equal(stuck.closedWith, null);
    stuck.play("close", { code: 1006 }); // late, of the old one
    assert.equal(client.state, "waiting");
  });

  await check("silence is a dead link, where it was asked for", async () => {
    const { client, clock, socket, last } = play(WeirClient, { silenceTimeout: 5000 });
    socket().play("open");
    clock.advance(4000);
    socket().play("message", { data: "x" });
    clock.advance(4999);
    assert.equal(client.state, "open");
    clock.advance(1);
    assert.equal(last().reason, "nothing came for too long");
    const patient = play(WeirClient);
    patient.socket().play("open");
    patient.clock.advance(24 * 3600 * 1000);
    assert.equal(patient.client.state, "open");
  });

  await check("a connection that is not made in time is given up", async () => {
    const { clock, last } = play(WeirClient);
    clock.advance(10000);
    assert.deepEqual([last().type, last().reason], ["lost", "no connection in time"]);
  });

  await check("close() says goodbye, and nothing follows", async () => {
    const { client, clock, socket, events } = play(WeirClient);
    socket().play("open");
    const open = socket();
    client.close();
    assert.equal(open.closedWith, 1000);
    open.play("close", { code: 1000 });
    clock.advance(1e6);
    assert.deepEqual(events.map(({ type }) => type), ["open", "closed"]);
    assert.throws(() => client.start());
  });

  await check("two clients on the package ws talk over the server", async () => {
    const endpoint = new URL("/ws", url).href.replace("http", "ws");
    const [first, second] = [1, 2].map(() => new WeirClient(endpoint, ["weir-js"], { WebSocket }));
    const opened = [first, second].map((client) => new Promise((resolve) => { client.addEventListener("open", resolve); }));
    first.start();
    second.start();
    await Promise.all(opened);
    const heard = new Promise((resolve) => { second.addEventListener("message", (event) => resolve(event.data)); });
    // A client is in its room a moment after it sees the connection open.
    const saying = setInterval(() => first.send("hello"), 50);
    assert.equal(await heard, "hello");
    clearInterval(saying);
    assert.equal(await first.send("bye"), "written");
    first.close();
    second.close();
  });
}

async function inChromium() {
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  try {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(30_000);
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    // Not the server's own page, which lets no other script in.
    await page.goto(new URL("/health/live", url).href);
    await page.addScriptTag({ type: "module", content: `
      import { WeirClient } from "/weir.js";
      window.heard = [];
      window.open_ = (options) => {
        const client = new WeirClient("/ws", ["browser"], { baseDelay: 100, maxDelay: 500, jitter: 50, ...options });
        for (const type of ["open", "message", "lost", "closed"]) {
          client.addEventListener(type, ({ data, code, reason }) => window.heard.push({ type, data, code, reason }));
        }
        client.start();
        return client;
      };
      window.client = window.open_({ connectTimeout: 1000, sendTimeout: 2000 });
    ` });
    const until = (type, number = 1) => page.waitForFunction(
      ([type, number]) => window.heard?.filter((each) => each.type === type).length >= number, [type, number]);

    await check("it connects to the server it came from", async () => until("open"));

    await check("text and bytes come and go", async () => {
      await page.evaluate(() => { window.other = window.open_({}); });
      await until("open", 2);
      await page.evaluate(() => { window.saying = setInterval(() => window.other.send("hello"), 50); });
      await until("message");
      await page.evaluate(() => clearInterval(window.saying));
      assert.equal((await page.evaluate(() => window.heard.find(({ type }) => type === "message"))).data, "hello");
      assert.equal(await page.evaluate(() => window.other.send(new Uint8Array([1, 2, 3]))), "written");
      await page.waitForFunction(() => window.heard.some(({ data }) => data instanceof ArrayBuffer && data.byteLength === 3));
      await page.evaluate(() => window.other.close());
      await until("closed");
    });

    // The kernel of the server goes on to take bytes, until its buffers are full.
    await check("a server that is frozen is found by what does not leave, and come back to when it thaws", async () => {
      process.kill(Number(pid), "SIGSTOP");
      await page.evaluate(() => { for (let n = 0; n < 40; n++) { window.client.send(new Uint8Array(1 << 20).buffer); } });
      await until("lost");
      assert.equal((await page.evaluate(() => window.heard.find(({ type }) => type === "lost"))).reason, "what was sent does not leave");
      const opens = await page.evaluate(() => window.heard.filter(({ type }) => type === "open").length);
      process.kill(Number(pid), "SIGCONT");
      await until("open", opens + 1);
    });

    await check("a network that was gone is another network", async () => {
      const [losts, opens] = await page.evaluate(() => ["lost", "open"].map((type) => window.heard.filter((each) => each.type === type).length));
      await page.evaluate(() => { window.dispatchEvent(new Event("offline")); window.dispatchEvent(new Event("online")); });
      await until("lost", losts + 1);
      await until("open", opens + 1);
    });

    await check("a server that shuts down is 1001, and tried again", async () => {
      process.kill(Number(pid), "SIGTERM");
      await page.waitForFunction(() => window.heard.some(({ type, code }) => type === "lost" && code === 1001));
      await page.waitForFunction(() => window.heard.some(({ type, code }) => type === "lost" && code === 1006));
    });

    await check("nothing complained", async () => assert.deepEqual(complaints, []));
  } finally {
    await browser.close();
  }
}

try {
  await (mode === "node" ? inNode() : inChromium());
  console.log("all checks hold");
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
