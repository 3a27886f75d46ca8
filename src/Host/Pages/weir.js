// A client of Weir's raw rooms for browsers, in one file without dependencies. It comes back when its connection is lost.
//
//   import { WeirClient } from "/weir.js";
//   const client = new WeirClient("wss://example.com/ws", ["lobby"]);
//   client.addEventListener("message", (event) => console.log(event.data));
//   client.addEventListener("lost", (event) => console.log(event.reason, "again in", event.retryIn, "ms"));
//   client.start();
//   const outcome = await client.send("hello"); // "written", "failed" or "unknown"
//
// Raw rooms replay nothing: what others say between "lost" and "open" is missed. Who must not miss any uses the official
// "centrifuge" package with /connection/websocket.
//
// Of the heartbeat a browser shows a page nothing: it answers the server's Pings by itself and can send none. So a dead link is
// found in three ways: what was sent does not leave within sendTimeout; nothing comes within silenceTimeout, for rooms in which
// something is said at least that often (off by default); the browser itself says that the network was gone and is back.

const DEFAULTS = {
  baseDelay: 1000, // ms; the n-th delay is min(baseDelay * 2^n, maxDelay) + a random part of jitter
  maxDelay: 30000,
  jitter: 1000,
  stableAfter: 10000, // n is 0 again only after a connection that lasted so long
  connectTimeout: 10000,
  sendTimeout: 10000, // 0: never
  silenceTimeout: 0, // 0: never
  maxQueued: 1000, // messages that wait for a connection; more are "failed"
  token: null, // async () => token or null; asked for at first and when the server has refused the last one
  protocols: [],
  // What tests replace, and Node, where WebSocket may come from a package.
  WebSocket: globalThis.WebSocket,
  random: Math.random,
  now: () => performance.now(),
  setTimeout: (body, ms) => setTimeout(body, ms),
  clearTimeout: (timer) => clearTimeout(timer),
};

const UNAUTHORIZED = 4401;
const LOOK_EVERY = 50; // ms, while something is on its way out

// Codes after which coming back is of no use: the application has finished, or what this page does is wrong each time.
const isTerminal = (code) => [1000, 1002, 1003, 1007, 1008, 1010, 4403].includes(code) || (code >= 4500 && code <= 4999);

class WeirEvent extends Event {
  constructor(type, fields) {
    super(type);
    Object.assign(this, fields);
  }
}

/**
 * Dispatches "open" {attempts}, "message" {data: string or ArrayBuffer}, "lost" {code, reason, retryIn} and at the end
 * "closed" {code, reason}. A code of 0 means that this side found the link dead, or could not get a token.
 */
export class WeirClient extends EventTarget {
  #options;
  #endpoint;
  #rooms;
  #state = "idle"; // connecting, open, waiting, closed
  #socket = null;
  #token = null;
  #failures = 0;
  #attempts = 0;
  #openedAt = 0;
  #timers = {};
  #queued = []; // {data, bytes, resolve}
  #leaving = []; // handed to the browser, in order; with the mark up to which bytes must have left
  #handed = 0;
  #wasOffline = false;
  #network = {
    offline: () => { this.#wasOffline = true; },
    online: () => this.#onOnline(),
  };

  constructor(endpoint, rooms = [], options = {}) {
    super();
    this.#endpoint = endpoint;
    this.#rooms = rooms;
    this.#options = { ...DEFAULTS, ...options };
  }

  get state() { return this.#state; }

  start() {
    if (this.#state !== "idle") {
      throw new Error("A client starts once.");
    }
    for (const [name, listener] of Object.entries(this.#network)) {
      globalThis.addEventListener?.(name, listener);
    }
    this.#connect();
  }

  /** Sends text or bytes, on the connection there is or the next one. Resolves to what became of it. */
  send(data) {
    if (this.#state === "closed" || this.#queued.length >= this.#options.maxQueued) {
      return Promise.resolve("failed");
    }
    return new Promise((resolve) => {
      this.#queued.push({ data, resolve });
      this.#flush();
    });
  }

  /** Says goodbye and ends. What waits is "failed", what is on its way "unknown". */
  close() {
    const socket = this.#socket;
    this.#finish(1000, "closed by this page");
    socket?.close(1000);
  }

  async #connect() {
    this.#state = "connecting";
    this.#attempts++;
    if (this.#options.token && this.#token === null) {
      try {
        this.#token = await this.#options.token();
      } catch (error) {
        this.#token = null;
        return this.#state === "closed" ? undefined : this.#lose(0, `the token could not be got: ${error.message}`);
      }
      if (this.#state === "closed") {
        return undefined;
      }
      if (this.#token === null || this.#token === undefined) {
        return this.#finish(0, "no token");
      }
    }
    const socket = new this.#options.WebSocket(this.#address(), this.#options.protocols);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    // Events of a socket that was given up come late, and mean nothing any more.
    const on = (name, body) => socket.addEventListener(name, (event) => { if (this.#socket === socket) { body(event); } });
    on("open", () => this.#onOpen());
    on("message", (event) => this.#onMessage(event.data));
    on("close", (event) => this.#onClose(event.code, event.reason));
    on("error", () => {}); // says nothing, and is followed by close
    this.#arm("connect", this.#options.connectTimeout, () => this.#giveUp("no connection in time"));
    return undefined;
  }

  #address() {
    const address = new URL(this.#endpoint, globalThis.location?.href);
    address.protocol = address.protocol.replace("http", "ws");
    for (const room of this.#rooms) {
      address.searchParams.append("room", room);
    }
    if (this.#token !== null) {
      address.searchParams.set("token", this.#token);
    }
    return address.href;
  }

  #onOpen() {
    this.#disarm("connect");
    this.#state = "open";
    this.#openedAt = this.#options.now();
    this.#wasOffline = false;
    const attempts = this.#attempts;
    this.#attempts = 0;
    this.#watchSilence();
    this.dispatchEvent(new WeirEvent("open", { attempts }));
    this.#flush();
  }

  #onMessage(data) {
    this.#watchSilence();
    this.dispatchEvent(new WeirEvent("message", { data }));
  }

  #onClose(code, reason) {
    if (code === UNAUTHORIZED) {
      this.#token = null;
    }
    if (isTerminal(code) || (code === UNAUTHORIZED && !this.#options.token)) {
      this.#finish(code, reason);
    } else {
      this.#lose(code, reason);
    }
  }

  #onOnline() {
    // Another network has another address: what was open before is dead, though nobody says so. And who waits need not any more.
    if (this.#state === "open" && this.#wasOffline) {
      this.#giveUp("the network was gone");
    } else if (this.#state === "waiting") {
      this.#arm("again", this.#options.random() * this.#options.jitter, () => this.#connect());
    }
    this.#wasOffline = false;
  }

  // A close() would wait for an answer that does not come.
  #giveUp(reason) {
    const socket = this.#socket;
    this.#lose(0, reason);
    socket.close();
  }

  #lose(code, reason) {
    const { baseDelay, maxDelay, jitter, stableAfter, random, now } = this.#options;
    this.#leave();
    if (this.#state === "open" && now() - this.#openedAt >= stableAfter) {
      this.#failures = 0;
    }
    const retryIn = Math.min(baseDelay * 2 ** this.#failures++, maxDelay) + random() * jitter;
    this.#state = "waiting";
    this.#arm("again", retryIn, () => this.#connect());
    this.dispatchEvent(new WeirEvent("lost", { code, reason, retryIn }));
  }

  #finish(code, reason) {
    if (this.#state === "closed") {
      return;
    }
    this.#leave();
    this.#state = "closed";
    for (const [name, listener] of Object.entries(this.#network)) {
      globalThis.removeEventListener?.(name, listener);
    }
    for (const { resolve } of this.#queued.splice(0)) {
      resolve("failed");
    }
    this.dispatchEvent(new WeirEvent("closed", { code, reason }));
  }

  // The connection is over, whoever said so.
  #leave() {
    this.#socket = null;
    Object.keys(this.#timers).forEach((name) => this.#disarm(name));
    for (const { resolve } of this.#leaving.splice(0)) {
      resolve("unknown");
    }
    this.#handed = 0;
  }

  #flush() {
    while (this.#state === "open" && this.#queued.length > 0) {
      const message = this.#queued.shift();
      const before = this.#socket.bufferedAmount;
      this.#socket.send(message.data);
      this.#handed += this.#socket.bufferedAmount - before;
      this.#leaving.push({ ...message, mark: this.#handed, since: this.#options.now() });
    }
    if (this.#leaving.length > 0 && !this.#timers.look) {
      this.#arm("look", 0, () => this.#look());
    }
  }

  // What the browser has not yet handed to the network is the end of what it was given.
  #look() {
    const left = this.#handed - this.#socket.bufferedAmount;
    while (this.#leaving.length > 0 && this.#leaving[0].mark <= left) {
      this.#leaving.shift().resolve("written");
    }
    if (this.#leaving.length === 0) {
      return;
    }
    const { sendTimeout, now } = this.#options;
    if (sendTimeout > 0 && now() - this.#leaving[0].since >= sendTimeout) {
      this.#giveUp("what was sent does not leave");
    } else {
      this.#arm("look", LOOK_EVERY, () => this.#look());
    }
  }

  #watchSilence() {
    if (this.#options.silenceTimeout > 0) {
      this.#arm("silence", this.#options.silenceTimeout, () => this.#giveUp("nothing came for too long"));
    }
  }

  #arm(name, ms, body) {
    this.#disarm(name);
    this.#timers[name] = this.#options.setTimeout(() => {
      delete this.#timers[name];
      body();
    }, ms);
  }

  #disarm(name) {
    if (this.#timers[name] !== undefined) {
      this.#options.clearTimeout(this.#timers[name]);
      delete this.#timers[name];
    }
  }
}
