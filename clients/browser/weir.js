// A client of Weir's raw rooms for browsers, in one file without dependencies. It reconnects when its connection is lost.
//
//   import { WeirClient } from "/weir.js";
//   const client = new WeirClient("wss://example.com/ws", ["lobby"]);
//   client.addEventListener("message", (event) => console.log(event.data));
//   client.addEventListener("lost", (event) => console.log(event.reason, "again in", event.retryIn, "ms"));
//   client.start();
//   const result = await client.send("hello"); // "written", "failed" or "unknown"
//
// Raw rooms have no recovery: messages of others between "lost" and "open" are missed. An application that must not miss any uses the
// official "centrifuge" package with /connection/websocket.
//
// A browser hides the heartbeat from a page: it answers the server's Pings itself and cannot send any. So a dead connection is
// detected in three ways: sent data does not leave within sendTimeout; no message arrives within silenceTimeout, for rooms with
// at least that much traffic (off by default); the browser reports that the network was lost and is back.
//
// A page that is suspended (in the back/forward cache, or frozen) does not run, while its browser keeps the connection open, answers
// Pings for it and drops messages. So the client closes the connection then ("lost"), and reconnects when the page resumes ("away",
// "open").

const DEFAULTS = {
  // Durations are in ms, of any length; Infinity is never.
  baseDelay: 1000, // the n-th delay is min(baseDelay * 2^n, maxDelay) + a random part of jitter
  maxDelay: 30000, // Infinity: delays double without limit
  jitter: 1000,
  stableAfter: 10000, // n is reset only after a connection that lasted this long
  connectTimeout: 10000, // 0: never
  tokenTimeout: 30000, // for token(); 0: never
  sendTimeout: 10000, // 0: never
  silenceTimeout: 0, // 0: never
  maxQueued: 1000, // messages that wait for a connection; more are "failed"
  token: null, // async () => token or null; called first and when the server has refused the last one
  protocols: [],
  // Replaced in tests, and in Node, where WebSocket may come from a package.
  WebSocket: globalThis.WebSocket,
  random: Math.random,
  now: () => performance.now(),
  setTimeout: (body, ms) => setTimeout(body, ms),
  clearTimeout: (timer) => clearTimeout(timer),
};

const DURATIONS = ["baseDelay", "maxDelay", "jitter", "stableAfter", "connectTimeout", "tokenTimeout", "sendTimeout", "silenceTimeout"];
const FUNCTIONS = ["WebSocket", "random", "now", "setTimeout", "clearTimeout"];
const UNAUTHORIZED = 4401;
const LOOK_EVERY = 50; // ms, while data is waiting to leave
const LONGEST_TIMER = 2 ** 31 - 1; // ms; a browser treats a longer one as 0 (HTML, timer initialization steps: a long)
const USUAL_LATENESS = 100; // ms

// Codes after which the client does not reconnect: the application has finished, or the same error would recur.
const isTerminal = (code) => [1000, 1002, 1003, 1007, 1008, 1010, 4403].includes(code) || (code >= 4500 && code <= 4999);

// Any value may be thrown: undefined, or one without a string form.
function wordsOf(error) {
  try {
    return String(error?.message || error);
  } catch {
    return "for an unknown reason";
  }
}

class WeirEvent extends Event {
  constructor(type, fields) {
    super(type);
    Object.assign(this, fields);
  }
}

function readOptions(given) {
  const options = { ...DEFAULTS };
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value !== undefined) {
      options[name] = value;
    }
  }
  for (const name of [...DURATIONS, "maxQueued"]) {
    const value = options[name];
    if (typeof value !== "number") {
      throw new TypeError(`${name} must be a number${name === "maxQueued" ? "" : " of milliseconds"}, not ${typeof value}`);
    }
    if (!(value >= 0)) {
      throw new RangeError(`${name} must be 0 or more, or Infinity, not ${value}`);
    }
  }
  for (const name of FUNCTIONS) {
    if (typeof options[name] !== "function") {
      throw new TypeError(`${name} must be a function, not ${typeof options[name]}`);
    }
  }
  if (options.token !== null && typeof options.token !== "function") {
    throw new TypeError(`token must be a function that returns the token, not ${typeof options.token}`);
  }
  return options;
}

// Returns why a WebSocket could not send this; null if it could. A string with half of a surrogate pair is sent with U+FFFD in its place.
function refusalOf(data) {
  if (typeof data === "string" || (globalThis.Blob && data instanceof Blob)) {
    return null;
  }
  const buffer = ArrayBuffer.isView(data) ? data.buffer : data;
  if (!(buffer instanceof ArrayBuffer)) {
    return "only text, an ArrayBuffer, a view of one, or a Blob can be sent";
  }
  try {
    new Uint8Array(buffer); // throws if it was transferred
    return null;
  } catch {
    return "the buffer is detached";
  }
}

/**
 * Dispatches "open" {attempts}, "message" {data: string or ArrayBuffer}, "lost" {code, reason, retryIn}, "away" {reason, ms}, "refused"
 * {data, reason} and at the end "closed" {code, reason}. A code of 0 means that this client detected a dead connection, could not get a
  * token or connect, or that the page was suspended; a retryIn of Infinity, that it reconnects when the page resumes. "away" is dispatched
  * then, with the time in which nothing was received. "refused" is a message that cannot be sent, whose result is "failed".
 *
 * Errors in callbacks do not break it: token() may reject, throw or never settle, a listener may throw.
 */
export class WeirClient extends EventTarget {
  #options;
  #address;
  #state = "idle"; // connecting, open, waiting, closed
  #socket = null;
  #token = null;
  #failures = 0;
  #attempts = 0;
  #attempt = null; // identifies the current one
  #openedAt = 0;
  #timers = {};
  #queued = []; // {data, resolve}
  #leaving = []; // passed to the browser, in order; with the mark up to which bytes must have left
  #handed = 0;
  #left = 0;
  #wasOffline = false;
  #aside = null; // {reason, since} while the page is suspended
  #listeners = [
    [globalThis, "offline", () => { this.#wasOffline = true; }],
    [globalThis, "online", () => this.#onOnline()],
    [
      globalThis, "pagehide",
      (event) => this.#putAside(event.persisted ? "the page was put into the back/forward cache" : "the page was left")
    ],
    [globalThis, "pageshow", () => this.#bringBack()],
    [globalThis.document, "freeze", () => this.#putAside("the page was frozen")],
    [globalThis.document, "resume", () => this.#bringBack()],
  ];

  /**
   * @throws {TypeError | RangeError} An option has the wrong type or range, the endpoint is not an address, or a room is not text.
   */
  constructor(endpoint, rooms = [], options = {}) {
    super();
    this.#options = readOptions(options);
    this.#address = new URL(endpoint, globalThis.location?.href);
    this.#address.protocol = this.#address.protocol.replace("http", "ws");
    this.#address.hash = "";
    if (!["ws:", "wss:"].includes(this.#address.protocol)) {
      throw new TypeError(`the endpoint must be an address with ws, wss, http or https, not ${this.#address.protocol}`);
    }
    for (const room of typeof rooms === "string" ? [rooms] : rooms) {
      // In a URL it would become U+FFFD, and all such names would share one room.
      if (typeof room !== "string" || /\p{Surrogate}/u.test(room)) {
        throw new TypeError("a room must be a string without half of a surrogate pair");
      }
      this.#address.searchParams.append("room", room);
    }
  }

  get state() { return this.#state; }

  start() {
    if (this.#state !== "idle") {
      throw new Error("A client starts once.");
    }
    for (const [target, name, listener] of this.#listeners) {
      target?.addEventListener?.(name, listener);
    }
    this.#connect();
  }

  /** Sends text or bytes, on the current connection or the next one. Resolves to "written", "failed" or "unknown", and never rejects. */
  send(data) {
    if (this.#state === "closed" || this.#queued.length >= this.#options.maxQueued) {
      return Promise.resolve("failed");
    }
    return new Promise((resolve) => {
      const message = { data, resolve };
      const refusal = refusalOf(data);
      if (refusal !== null) {
        this.#refuse(message, refusal);
        return;
      }
      this.#queued.push(message);
      this.#flush();
    });
  }

  /** Sends a close frame and ends. Queued messages are "failed", those in flight "unknown". */
  close() {
    const socket = this.#socket;
    this.#finish(1000, "closed by this page");
    socket?.close(1000);
  }

  async #connect() {
    const attempt = this.#attempt = {};
    this.#state = "connecting";
    this.#attempts++;
    if (this.#options.token && this.#token === null) {
      let token, failure = null;
      try {
        token = await this.#askForToken();
      } catch (error) {
        failure = `the token could not be got: ${wordsOf(error)}`;
      }
      if (this.#attempt !== attempt) {
        return; // closed or suspended meanwhile
      }
      this.#disarm("token");
      if (failure === null && (token === null || token === undefined || token === "")) {
        this.#finish(0, "no token");
        return;
      }
      if (failure === null && typeof token !== "string") {
        failure = `the token could not be got: it is not a string but ${typeof token}`;
      }
      if (failure !== null) {
        this.#lose(0, failure);
        return;
      }
      this.#token = token;
    }
    let socket;
    try {
      socket = this.#openSocket();
    } catch (error) {
      this.#lose(0, `the WebSocket could not be created: ${wordsOf(error)}`);
      return;
    }
    this.#socket = socket;
    // Late events of an abandoned socket are ignored.
    const on = (name, body) => socket.addEventListener(name, (event) => { if (this.#socket === socket) { body(event); } });
    on("open", () => this.#onOpen());
    on("message", (event) => this.#onMessage(event.data));
    on("close", (event) => this.#onClose(event.code, event.reason));
    on("error", () => {}); // carries no information, and is followed by close
    this.#watch("connect", this.#options.connectTimeout, () => this.#giveUp("no connection in time"));
  }

  // Settles in any case: when token() does, or after the timeout. A later result is ignored.
  #askForToken() {
    return new Promise((resolve, reject) => {
      this.#watch("token", this.#options.tokenTimeout, () => reject(new Error("token() has not settled in time")));
      Promise.resolve(this.#options.token()).then(resolve, reject); // an exception rejects
    });
  }

  #openSocket() {
    const address = new URL(this.#address);
    if (this.#token !== null) {
      address.searchParams.set("token", this.#token);
    }
    const socket = new this.#options.WebSocket(address.href, this.#options.protocols);
    socket.binaryType = "arraybuffer";
    return socket;
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
    // A new network has a new address: a connection from before is dead without notice, and a waiting client can retry now.
    if (this.#state === "open" && this.#wasOffline) {
      this.#giveUp("the network was lost");
    } else if (this.#state === "waiting" && this.#aside === null) {
      this.#arm("again", this.#jitter(), () => this.#connect());
    }
    this.#wasOffline = false;
  }

  #putAside(reason) {
    if (this.#aside !== null) {
      return; // a page in the back/forward cache is frozen too
    }
    const socket = this.#socket;
    this.#aside = { reason, since: Date.now() }; // performance.now() may stop meanwhile
    this.#lose(0, reason);
    socket?.close(1000);
  }

  #bringBack() {
    if (this.#aside === null) {
      return;
    }
    const { reason, since } = this.#aside;
    this.#aside = null;
    this.#wasOffline = false;
    this.dispatchEvent(new WeirEvent("away", { reason, ms: Math.max(0, Date.now() - since) }));
    if (this.#state === "waiting") {
      this.#connect();
    }
  }

  // A close() alone would wait for a close frame that does not arrive.
  #giveUp(reason) {
    const socket = this.#socket;
    this.#lose(0, reason);
    socket.close();
  }

  #lose(code, reason) {
    const { baseDelay, maxDelay, stableAfter, now } = this.#options;
    this.#leave();
    if (this.#state === "open" && now() - this.#openedAt >= stableAfter) {
      this.#failures = 0;
    }
    let retryIn = Infinity;
    if (this.#aside === null) {
      retryIn = Math.min(baseDelay * 2 ** this.#failures, maxDelay) + this.#jitter();
      this.#failures = Math.min(this.#failures + 1, 62);
    }
    this.#state = "waiting";
    this.#arm("again", retryIn, () => this.#connect());
    this.dispatchEvent(new WeirEvent("lost", { code, reason, retryIn }));
  }

  #jitter() {
    const { jitter, random } = this.#options;
    return jitter === Infinity ? Infinity : random() * jitter;
  }

  #finish(code, reason) {
    if (this.#state === "closed") {
      return;
    }
    this.#leave();
    this.#state = "closed";
    for (const [target, name, listener] of this.#listeners) {
      target?.removeEventListener?.(name, listener);
    }
    for (const { resolve } of this.#queued.splice(0)) {
      resolve("failed");
    }
    this.dispatchEvent(new WeirEvent("closed", { code, reason }));
  }

  // The connection, or the attempt at one, has ended.
  #leave() {
    this.#socket = null;
    this.#attempt = null;
    Object.keys(this.#timers).forEach((name) => this.#disarm(name));
    for (const { resolve } of this.#leaving.splice(0)) {
      resolve("unknown");
    }
    this.#handed = 0;
    this.#left = 0;
  }

  #refuse({ data, resolve }, reason) {
    resolve("failed");
    this.dispatchEvent(new WeirEvent("refused", { data, reason }));
  }

  #flush() {
    while (this.#state === "open" && this.#queued.length > 0) {
      const message = this.#queued.shift();
      const before = this.#socket.bufferedAmount;
      try {
        const refusal = refusalOf(message.data); // it may have been transferred while it was queued
        if (refusal !== null) {
          throw new TypeError(refusal);
        }
        this.#socket.send(message.data);
      } catch (error) {
        this.#refuse(message, wordsOf(error));
        continue;
      }
      this.#handed += this.#socket.bufferedAmount - before;
      this.#leaving.push({ ...message, mark: this.#handed });
    }
    if (this.#leaving.length > 0 && !this.#timers.look) {
      this.#arm("look", 0, () => this.#look());
      this.#watchLeaving();
    }
  }

  // The bytes that the browser has not yet sent are the last ones passed to it.
  #look() {
    const left = this.#handed - this.#socket.bufferedAmount;
    if (left > this.#left) {
      this.#left = left;
      this.#watchLeaving(); // slow is not dead
    }
    while (this.#leaving.length > 0 && this.#leaving[0].mark <= left) {
      this.#leaving.shift().resolve("written");
    }
    if (this.#leaving.length === 0) {
      this.#disarm("leaving");
    } else {
      this.#arm("look", LOOK_EVERY, () => this.#look());
    }
  }

  #watchLeaving() {
    this.#watch("leaving", this.#options.sendTimeout, () => {
      this.#look();
      if (this.#timers.leaving === undefined && this.#leaving.length > 0) {
        this.#giveUp("sent data does not leave");
      }
    });
  }

  #watchSilence() {
    this.#watch("silence", this.#options.silenceTimeout, () => this.#giveUp("no message for too long"));
  }

  // A timeout that counts only time in which this page ran; 0 and Infinity for no limit. It waits in quarters. A quarter that ends late
  // (timers are throttled in a background tab, a page does not run, a machine sleeps) counts no more than its length, and a last one that
  // was late is followed by one more, so that data that has arrived meanwhile is processed before the peer times out.
  #watch(name, limit, onOver, waited = 0) {
    if (limit === 0) {
      return;
    }
    const isExtra = waited >= limit;
    const quarter = Math.min(limit / 4, isExtra ? limit : limit - waited, LONGEST_TIMER);
    const start = this.#options.now();
    this.#arm(name, limit === Infinity ? Infinity : quarter, () => {
      const isLate = this.#options.now() - start > quarter + USUAL_LATENESS;
      const total = waited + quarter;
      if (total < limit || (isLate && !isExtra)) {
        this.#watch(name, limit, onOver, total);
      } else {
        onOver();
      }
    });
  }

  // A timer of any length; Infinity sets no timer.
  #arm(name, ms, body) {
    this.#disarm(name);
    if (ms === Infinity) {
      return;
    }
    const piece = Math.min(ms, LONGEST_TIMER);
    this.#timers[name] = this.#options.setTimeout(() => {
      delete this.#timers[name];
      if (ms > piece) {
        this.#arm(name, ms - piece, body);
      } else {
        body();
      }
    }, piece);
  }

  #disarm(name) {
    if (this.#timers[name] !== undefined) {
      this.#options.clearTimeout(this.#timers[name]);
      delete this.#timers[name];
    }
  }
}
