// Tests clients/browser/weir.js as the server serves it.
//   node weir-js.mjs node URL              with the package ws, a clock that this moves, and a WebSocket that this plays
//   node weir-js.mjs browser URL PID       in Chromium, against the server, whose process this stops, continues and ends
// Prints a line per check; exit code 0 when all hold.
import assert from "node:assert/strict";
import { createServer } from "node:http";

const [mode, url, pid] = process.argv.slice(2);
const script = await (await fetch(new URL("/weir.js", url))).text();

async function check(what, body) {
  await body();
  console.log(`ok: ${what}`);
}

// A clock that only moves when the test moves it.
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

// A WebSocket that is scripted by the test.
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
  for (const type of ["open", "message", "lost", "away", "refused", "closed"]) {
    client.addEventListener(type, (event) => events.push(event));
  }
  client.start();
  return { client, clock, events, socket: () => Played.all.at(-1), last: () => events.at(-1) };
}

const OPTIONS = ["baseDelay", "maxDelay", "jitter", "stableAfter", "connectTimeout", "tokenTimeout", "sendTimeout", "silenceTimeout"];
const DAY = 24 * 3600 * 1000;

// What a rejection without a handler, or an exception without a catch, would be.
const unhandled = [];
process.on("unhandledRejection", (error) => unhandled.push(error));
process.on("uncaughtException", (error) => unhandled.push(error));

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
    assert.deepEqual([last().type, last().code, last().reason], ["lost", 0, "sent data does not leave"]);
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
    assert.equal(last().reason, "no message for too long");
    const patient = play(WeirClient);
    patient.socket().play("open");
    patient.clock.advance(24 * 3600 * 1000);
    assert.equal(patient.client.state, "open");
  });

  await check("every duration: negative, NaN and what is no number are refused by name", async () => {
    for (const option of [...OPTIONS, "maxQueued"]) {
      for (const [bad, type] of [[-1, RangeError], [-Infinity, RangeError], [NaN, RangeError], ["1000", TypeError], [null, TypeError], [10n, TypeError], [{}, TypeError], [Symbol("s"), TypeError]]) {
        assert.throws(() => new WeirClient("ws://host/ws", ["r"], { WebSocket: Played, [option]: bad }), (error) => error instanceof type && error.message.startsWith(option), `${option}: ${String(bad)}`);
      }
      new WeirClient("ws://host/ws", ["r"], { WebSocket: Played, [option]: undefined }); // the default
    }
    for (const [option, bad] of [["token", "t"], ["WebSocket", undefined], ["WebSocket", null], ["now", 1], ["random", 0.5], ["setTimeout", {}]]) {
      if (bad !== undefined) {
        assert.throws(() => new WeirClient("ws://host/ws", ["r"], { WebSocket: Played, [option]: bad }), (error) => error instanceof TypeError && error.message.startsWith(option), option);
      }
    }
    assert.throws(() => new WeirClient("nowhere", ["r"], { WebSocket: Played }), TypeError);
    assert.throws(() => new WeirClient("ftp://host/ws", ["r"], { WebSocket: Played }), /ftp/);
    assert.throws(() => new WeirClient("ws://host/ws", ["\ud800"], { WebSocket: Played }), /surrogate/);
    assert.throws(() => new WeirClient("ws://host/ws", [1], { WebSocket: Played }), /string/);
  });

  // No timer of a browser is given more than it takes, and none of them comes early.
  await check("every duration: of any length, and Infinity is never", async () => {
    for (const option of OPTIONS) {
      for (const length of [2 ** 31 - 1, 2 ** 31, 2 ** 32, 60 * DAY, 1e18, Number.MAX_VALUE, Infinity]) {
        const clock = new Clock();
        let longest = 0;
        const { client, socket, events, last } = play(WeirClient, {
          ...clock.options,
          setTimeout: (body, ms) => { longest = Math.max(longest, ms); return clock.options.setTimeout(body, ms); },
          token: option === "tokenTimeout" ? () => new Promise(() => {}) : null,
          [option]: length,
        });
        const what = `${option}: ${length}`;
        clock.advance(option === "connectTimeout" || option === "tokenTimeout" ? 20 * DAY : 1000);
        assert.equal(client.state, "connecting", what);
        if (option !== "tokenTimeout") {
          socket().play("open");
          client.send("message");
          if (option !== "sendTimeout") {
            socket().bufferedAmount = 0;
          }
          clock.advance(option === "sendTimeout" || option === "silenceTimeout" ? 3600_000 : 1000);
          assert.equal(client.state, "open", what);
          socket().play("close", { code: 1006 });
          assert.equal(last().type, "lost", what);
          const before = Played.all.length;
          clock.advance(Math.min(last().retryIn - 1, 20 * DAY));
          assert.equal(Played.all.length, before, what);
          assert.ok(last().retryIn >= 1500, what);
        }
        assert.ok(longest < 2 ** 31, `${what}: ${longest}`);
        assert.ok(events.length < 4, what);
        client.close();
      }
    }
  });

  await check("a wait beyond what a timer takes ends when it should", async () => {
    const { clock, socket, last } = play(WeirClient, { baseDelay: 60 * DAY, maxDelay: Infinity, jitter: 0 });
    socket().play("close", { code: 1006 });
    assert.equal(last().retryIn, 60 * DAY);
    clock.advance(60 * DAY - 1);
    assert.equal(Played.all.length, 1);
    clock.advance(1);
    assert.equal(Played.all.length, 2);
  });

  await check("1,100 losses without a base delay keep a delay that is a number", async () => {
    const { clock, socket, last } = play(WeirClient, { baseDelay: 0 });
    for (let n = 0; n < 1100; n++) {
      socket().play("close", { code: 1006 });
      clock.advance(500);
    }
    assert.equal(last().retryIn, 500);
  });

  // A timer that is late comes before the messages that wait for their turn.
  await check("time in which the page does not run does not count", async () => {
    class Frozen extends Clock {
      late = 0;
      sleep(ms) { this.late += ms; }
      constructor() {
        super();
        const now = this.options.now;
        this.options = { ...this.options, now: () => now() + this.late };
      }
    }
    for (const [option, reason] of [["silenceTimeout", "no message for too long"], ["connectTimeout", "no connection in time"], ["sendTimeout", "sent data does not leave"]]) {
      const clock = new Frozen();
      const { client, socket, last } = play(WeirClient, { ...clock.options, [option]: 8000 });
      const before = option === "connectTimeout" ? "connecting" : "open";
      if (before === "open") {
        socket().play("open");
        client.send("message");
      }
      if (option === "silenceTimeout") {
        socket().bufferedAmount = 0;
      }
      clock.advance(7000);
      clock.sleep(3600_000);
      clock.advance(1000); // the timer that was due meanwhile
      assert.equal(client.state, before, option);
      clock.advance(1900);
      assert.equal(client.state, before, option);
      clock.advance(200);
      assert.equal(client.state, "waiting", option);
      assert.equal(last().reason, reason);
      client.close();
    }
  });

  await check("what leaves slowly but steadily is no dead link", async () => {
    const { client, clock, socket } = play(WeirClient);
    socket().play("open");
    const outcome = client.send("x".repeat(100));
    for (let n = 0; n < 99; n++) {
      clock.advance(5000);
      socket().bufferedAmount--;
    }
    assert.equal(client.state, "open");
    socket().bufferedAmount = 0;
    clock.advance(100);
    assert.equal(await outcome, "written");
  });

  await check("token() that rejects with anything, throws, or never settles is an event, and is tried again", async () => {
    const failing = {
      "an error": () => Promise.reject(new Error("down")), undefined: () => Promise.reject(), null: () => Promise.reject(null), "a string": () => Promise.reject("down"),
      "a symbol": () => Promise.reject(Symbol("down")), "no words": () => Promise.reject(Object.create(null)), "throws undefined": () => { throw undefined; },
      throws: () => { throw new Error("down"); }, "never settles": () => new Promise(() => {}), "a thenable that throws": () => ({ then() { throw new Error("down"); } }),
      "a number": async () => 5, "an object": async () => ({ token: "t" }),
    };
    for (const [how, token] of Object.entries(failing)) {
      let asked = 0;
      const { client, clock, socket, last } = play(WeirClient, { token: () => asked++ === 0 ? token() : Promise.resolve("good") });
      await settled();
      clock.advance(how === "never settles" ? 30_000 : 0);
      await settled();
      assert.deepEqual([last()?.type, client.state], ["lost", "waiting"], how);
      assert.match(last().reason, /^the token could not be got: ./, how);
      clock.advance(1500);
      await settled();
      assert.match(socket().address, /token=good/, how);
      client.close();
    }
    for (const none of [null, undefined, ""]) {
      const { last } = play(WeirClient, { token: async () => none });
      await settled();
      assert.deepEqual([last().type, last().reason], ["closed", "no token"]);
    }
  });

  await check("a token that comes after its time, or after the end, is disregarded", async () => {
    const bring = [];
    const { client, clock, events, last } = play(WeirClient, { token: () => new Promise((resolve) => { bring.push(resolve); }) });
    clock.advance(30_000);
    await settled();
    assert.equal(last().type, "lost");
    bring[0]("late");
    await settled();
    assert.equal(Played.all.length, 0);
    clock.advance(1500);
    client.close();
    bring[1]("later");
    await settled();
    assert.deepEqual([Played.all.length, events.map(({ type }) => type)], [0, ["lost", "closed"]]);
  });

  await check("a WebSocket constructor that throws is an event, and is tried again", async () => {
    let left = 3;
    class Throwing extends Played {
      constructor(address) {
        super(address);
        if (left-- > 0) {
          Played.all.pop();
          throw [new Error("too many sockets"), undefined, Symbol("s")][left];
        }
      }
    }
    const { clock, events, socket } = play(WeirClient, { WebSocket: Throwing });
    clock.advance(9000);
    assert.deepEqual(events.map(({ type }) => type), ["lost", "lost", "lost"]);
    socket().play("open");
    assert.equal(events.at(-1).type, "open");
  });

  await check("a value that cannot be sent is failed and an event, and holds up none behind it", async () => {
    const moved = new Uint8Array(4), later = new Uint8Array(4);
    structuredClone(moved, { transfer: [moved.buffer] });
    const bad = [Symbol("s"), {}, [], null, undefined, () => {}, 5, moved, moved.buffer, new SharedArrayBuffer(2)];
    for (const isOpen of [false, true]) {
      const { client, clock, events, socket } = play(WeirClient);
      if (isOpen) {
        socket().play("open");
      }
      const before = client.send("before");
      const outcomes = bad.map((value) => client.send(value));
      const behind = client.send("behind");
      assert.deepEqual(await Promise.all(outcomes), bad.map(() => "failed"));
      assert.equal(events.filter(({ type }) => type === "refused").length, bad.length);
      if (!isOpen) {
        socket().play("open");
      }
      socket().bufferedAmount = 0;
      clock.advance(100);
      assert.deepEqual(await Promise.all([before, behind]), ["written", "written"]);
    }
    const { client, clock, events, socket } = play(WeirClient);
    const transferred = client.send(later);
    const behind = client.send("behind");
    structuredClone(later, { transfer: [later.buffer] }); // while it waits
    socket().play("open");
    socket().send = () => { throw new TypeError("not this one"); };
    const refused = client.send("refused by the socket");
    delete socket().send;
    const last = client.send("last");
    socket().bufferedAmount = 0;
    clock.advance(100);
    assert.deepEqual(await Promise.all([transferred, behind, refused, last]), ["failed", "written", "failed", "written"]);
    assert.deepEqual(events.filter(({ type }) => type === "refused").map(({ reason }) => reason), ["the buffer is detached", "not this one"]);
  });

  await check("listeners that use the client, and close it, within each event", async () => {
    for (const type of ["open", "message", "lost", "refused"]) {
      const { client, clock, socket, last } = play(WeirClient);
      const inside = [];
      client.addEventListener(type, () => { inside.push(client.send("x"), client.send({})); client.close(); inside.push(client.send("y")); }, { once: true });
      socket().play("open");
      if (client.state === "open") {
        socket().play("message", { data: "m" });
      }
      if (client.state === "open") {
        await client.send(Symbol("s"));
      }
      if (client.state === "open") {
        socket().play("close", { code: 1006 });
      }
      clock.advance(1e6);
      assert.equal(client.state, "closed", type);
      assert.equal(last().type, "closed", type);
      for (const outcome of inside) {
        assert.match(await outcome, /failed|unknown|written/);
      }
    }
  });

  await check("no rejection was without a handler, and nothing was thrown", async () => {
    await settled();
    assert.deepEqual(unhandled, []);
  });

  await check("a connection that is not made in time is given up", async () => {
    const { clock, last } = play(WeirClient);
    clock.advance(10000);
    assert.deepEqual([last().type, last().reason], ["lost", "no connection in time"]);
  });

  await check("close() sends a close frame, and no event follows", async () => {
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
    const received = new Promise((resolve) => { second.addEventListener("message", (event) => resolve(event.data)); });
    // A client is in its room a moment after it sees the connection open.
    const saying = setInterval(() => first.send("hello"), 50);
    assert.equal(await received, "hello");
    clearInterval(saying);
    assert.equal(await first.send("bye"), "written");
    first.close();
    second.close();
  });
}

// Pages of another origin, which a browser may keep: the server's own have no-store, or let no other script in.
async function throughTheCache(browser) {
  const pages = createServer((request, response) => {
    const isScript = request.url === "/weir.js";
    response.writeHead(200, { "Content-Type": isScript ? "text/javascript" : "text/html" });
    response.end(isScript ? script : `<!doctype html><title>${request.url}</title>`);
  });
  await new Promise((resolve) => { pages.listen(0, "127.0.0.1", resolve); });
  const origin = `http://127.0.0.1:${pages.address().port}`;
  const endpoint = new URL("/ws", url).href.replace("http", "ws");
  try {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(`${origin}/first`);
    await page.addScriptTag({ type: "module", content: `
      import { WeirClient } from "/weir.js";
      window.received = [];
      const make = (name) => {
        const client = new WeirClient(${JSON.stringify(endpoint)}, ["cache"], { baseDelay: 100, maxDelay: 500, jitter: 50 });
        for (const type of ["open", "message", "lost", "away", "closed"]) {
          client.addEventListener(type, ({ data, reason, retryIn, ms }) => window.received.push({ name, type, data, reason, retryIn, ms }));
        }
        client.start();
        return client;
      };
      window.client = make("one");
      addEventListener("pageshow", (event) => { window.wasPersisted = event.persisted; });
    ` });
    await page.waitForFunction(() => window.received?.some(({ type }) => type === "open"));
    await page.evaluate((to) => { location.href = to; }, `${origin}/second`);
    await page.waitForURL(`${origin}/second`);
    await page.evaluate(() => history.back());
    await page.waitForURL(`${origin}/first`, { waitUntil: "commit" }); // nothing is loaded
    await page.waitForFunction(() => window.received?.filter(({ type }) => type === "open").length === 2);
    const [received, wasPersisted] = await page.evaluate(() => [window.received, window.wasPersisted]);
    assert.equal(wasPersisted, true, "it was not in the cache");
    assert.deepEqual(received.map(({ type }) => type), ["open", "lost", "away", "open"]);
    assert.deepEqual([received[1].reason, received[2].reason], Array(2).fill("the page was put into the back/forward cache"));
    assert.ok(received[2].ms >= 0);
    assert.equal(await page.evaluate(() => window.client.send("still here")), "written");
  } finally {
    pages.closeAllConnections();
    pages.close();
  }
}

async function inChromium() {
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  try {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(30_000);
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    // Not the server's own page, which permits no other script.
    await page.goto(new URL("/health/live", url).href);
    await page.addScriptTag({ type: "module", content: `
      import { WeirClient } from "/weir.js";
      window.received = [];
      window.open_ = (options) => {
        const client = new WeirClient("/ws", ["browser"], { baseDelay: 100, maxDelay: 500, jitter: 50, ...options });
        for (const type of ["open", "message", "lost", "away", "closed"]) {
          client.addEventListener(type, ({ data, code, reason }) => window.received.push({ type, data, code, reason }));
        }
        client.start();
        return client;
      };
      window.client = window.open_({ connectTimeout: 1000, sendTimeout: 2000 });
    ` });
    const until = (type, number = 1) => page.waitForFunction(
      ([type, number]) => window.received?.filter((each) => each.type === type).length >= number, [type, number]);

    await check("it connects to the server it came from", async () => until("open"));

    await check("text and bytes come and go", async () => {
      await page.evaluate(() => { window.other = window.open_({}); });
      await until("open", 2);
      await page.evaluate(() => { window.saying = setInterval(() => window.other.send("hello"), 50); });
      await until("message");
      await page.evaluate(() => clearInterval(window.saying));
      assert.equal((await page.evaluate(() => window.received.find(({ type }) => type === "message"))).data, "hello");
      assert.equal(await page.evaluate(() => window.other.send(new Uint8Array([1, 2, 3]))), "written");
      await page.waitForFunction(() => window.received.some(({ data }) => data instanceof ArrayBuffer && data.byteLength === 3));
      await page.evaluate(() => window.other.close());
      await until("closed");
    });

    // The kernel of the server continues to take bytes, until its buffers are full.
    await check("a server that is frozen is found by what does not leave, and come back to when it thaws", async () => {
      process.kill(Number(pid), "SIGSTOP");
      await page.evaluate(() => { for (let n = 0; n < 40; n++) { window.client.send(new Uint8Array(1 << 20).buffer); } });
      await until("lost");
      assert.equal((await page.evaluate(() => window.received.find(({ type }) => type === "lost"))).reason, "sent data does not leave");
      const opens = await page.evaluate(() => window.received.filter(({ type }) => type === "open").length);
      process.kill(Number(pid), "SIGCONT");
      await until("open", opens + 1);
    });

    await check("a network that was gone is another network", async () => {
      const [losses, opens] = await page.evaluate(() => ["lost", "open"].map((type) => window.received.filter((each) => each.type === type).length));
      await page.evaluate(() => { window.dispatchEvent(new Event("offline")); window.dispatchEvent(new Event("online")); });
      await until("lost", losses + 1);
      await until("open", opens + 1);
    });

    await check("a page that is frozen closes, and is back when it is thawed", async () => {
      // Chromium freezes hidden pages only, and a page without a head is never hidden: its events alone.
      const opens = await page.evaluate(() => window.received.filter(({ type }) => type === "open").length);
      await page.evaluate(() => { document.dispatchEvent(new Event("freeze")); document.dispatchEvent(new Event("resume")); });
      await until("open", opens + 1);
      await page.waitForFunction(() => window.received.some(({ type, reason }) => type === "lost" && reason === "the page was frozen"));
      await page.waitForFunction(() => window.received.some(({ type, reason }) => type === "away" && reason === "the page was frozen"));
    });

    await check("the back/forward cache: the page closes when it is put there, and is back when it is shown again", () => throughTheCache(browser));

    await check("a server that shuts down is 1001, and tried again", async () => {
      process.kill(Number(pid), "SIGTERM");
      await page.waitForFunction(() => window.received.some(({ type, code }) => type === "lost" && code === 1001));
      await page.waitForFunction(() => window.received.some(({ type, code }) => type === "lost" && code === 1006));
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
