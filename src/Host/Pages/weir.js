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
//
// A page that is put aside (into the back/forward cache, or frozen) does not run, while its browser keeps the connection open, answers
// Pings for it and drops messages. So the client closes the connection then ("lost"), and is back when the page is ("away", "open").

const DEFAULTS = {
  // Durations are in ms, of any length; Infinity is never.
  baseDelay: 1000, // the n-th delay is min(baseDelay * 2^n, maxDelay) + a random part of jitter
  maxDelay: 30000, // Infinity: delays double without an end
  jitter: 1000,
  stableAfter: 10000, // n is 0 again only after a connection that lasted so long
  connectTimeout: 10000, // 0: never
  tokenTimeout: 30000, // for token(); 0: never
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

const DURATIONS = ["baseDelay", "maxDelay", "jitter", "stableAfter", "connectTimeout", "tokenTimeout", "sendTimeout", "silenceTimeout"];
const FUNCTIONS = ["WebSocket", "random", "now", "setTimeout", "clearTimeout"];
const UNAUTHORIZED = 4401;
const LOOK_EVERY = 50; // ms, while something is on its way out
const LONGEST_TIMER = 2 ** 31 - 1; // ms; a browser takes a longer one for 0 (HTML, timer initialization steps: a long)
const USUAL_LATENESS = 100; // ms

// Codes after which coming back is of no use: the application has finished, or what this page does is wrong each time.
const isTerminal = (code) => [1000, 1002, 1003, 1007, 1008, 1010, 4403].includes(code) || (code >= 4500 && code <= 4999);

// Anything may be thrown: nothing, or what has no words.
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

// Why a WebSocket could not send this; null if it could. A string with half of a surrogate pair is sent with U+FFFD in its place.
function refusalOf(data) {
  if (typeof data === "string" || (globalThis.Blob && data instanceof Blob)) {
    return null;
  }
  const buffer = ArrayBuffer.isView(data) ? data.buffer : data;
  if (!(buffer instanceof ArrayBuffer)) {
    return "only text, an ArrayBuffer, a view of one, or a Blob can be sent";
  }
  try {
    new Uint8Array(buffer); // throws when it was transferred elsewhere
    return null;
  } catch {
    return "the buffer is detached";
  }
}

/**
 * Dispatches "open" {attempts}, "message" {data: string or ArrayBuffer}, "lost" {code, reason, retryIn}, "away" {reason, ms}, "refused"
 * {data, reason} and at the end "closed" {code, reason}. A code of 0 means that this side found the link dead, could not get a token or
 * make a connection, or that the page was put aside; a retryIn of Infinity, that it comes back when the page does. "away" is dispatched
 * when it does: for so long nothing was received. "refused" is a message that cannot be sent, whose outcome is "failed".
 *
 * Nothing that is passed in breaks it: token() may reject, throw or never settle, a listener may throw.
 */
export class WeirClient extends EventTarget {
  #options;
  #address;
  #state = "idle"; // connecting, open, waiting, closed
  #socket = null;
  #token = null;
  #failures = 0;
  #attempts = 0;
  #attempt = null; // tells the present one from those before
  #openedAt = 0;
  #timers = {};
  #queued = []; // {data, resolve}
  #leaving = []; // handed to the browser, in order; with the mark up to which bytes must have left
  #handed = 0;
  #left = 0;
  #wasOffline = false;
  #aside = null; // {reason, since} while the page is put aside
  #listeners = [
    [globalThis, "offline", () => { this.#wasOffline = true; }],
    [globalThis, "online", () => this.#onOnline()],
    [globalThis, "pagehide", (event) => this.#putAside(event.persisted ? "the page was put into the back/forward cache" : "the page was left")],
    [globalThis, "pageshow", () => this.#bringBack()],
    [globalThis.document, "freeze", () => this.#putAside("the page was frozen")],
    [globalThis.document, "resume", () => this.#bringBack()],
  ];

  /**
   * @throws {TypeError | RangeError} An option of another type or range, the endpoint is no address, or a room no text.
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
      // In an address it would become U+FFFD, and meet all others of its kind in one room.
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

  /** Sends text or bytes, on the connection there is or the next one. Resolves to what became of it, and never rejects. */
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

  /** Says goodbye and ends. What waits is "failed", what is on its way "unknown". */
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
        return; // it was closed or put aside meanwhile
      }
      this.#disarm("token");
      if (failure === null && (token === null || token === undefined || token === "")) {
        this.#finish(0, "no token");
        return;
      }
      if (failure === null && typeof token !== "string") {
        failure = `the token could not be got: it is no string but ${typeof token}`;
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
      this.#lose(0, `no WebSocket could be made: ${wordsOf(error)}`);
      return;
    }
    this.#socket = socket;
    // Events of a socket that was given up come late, and mean nothing any more.
    const on = (name, body) => socket.addEventListener(name, (event) => { if (this.#socket === socket) { body(event); } });
    on("open", () => this.#onOpen());
    on("message", (event) => this.#onMessage(event.data));
    on("close", (event) => this.#onClose(event.code, event.reason));
    on("error", () => {}); // says nothing, and is followed by close
    this.#watch("connect", this.#options.connectTimeout, () => this.#giveUp("no connection in time"));
  }

  // Settles in any case: when token() does, or when its time is over. What it brings later is disregarded.
  #askForToken() {
    return new Promise((resolve, reject) => {
      this.#watch("token", this.#options.tokenTimeout, () => reject(new Error("token() has not settled in time")));
      Promise.resolve(this.#options.token()).then(resolve, reject); // what it throws rejects
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
    // Another network has another address: what was open before is dead, though nobody says so. And who waits need not any more.
    if (this.#state === "open" && this.#wasOffline) {
      this.#giveUp("the network was gone");
    } else if (this.#state === "waiting" && this.#aside === null) {
      this.#arm("again", this.#jitter(), () => this.#connect());
    }
    this.#wasOffline = false;
  }

  #putAside(reason) {
    if (this.#aside !== null) {
      return; // a page is frozen in the back/forward cache too
    }
    const socket = this.#socket;
    this.#aside = { reason, since: Date.now() }; // performance.now() may stand still meanwhile
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

  // A close() would wait for an answer that does not come.
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

  // The connection, or the attempt at one, is over.
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
        const refusal = refusalOf(message.data); // it may have been transferred while it waited
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

  // What the browser has not yet handed to the network is the end of what it was given.
  #look() {
    const left = this.#handed - this.#socket.bufferedAmount;
    if (left > this.#left) {
      this.#left = left;
      this.#watchLeaving(); // slowly is not dead
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
        this.#giveUp("what was sent does not leave");
      }
    });
  }

  #watchSilence() {
    this.#watch("silence", this.#options.silenceTimeout, () => this.#giveUp("nothing came for too long"));
  }

  // A limit of time in which this page ran, 0 and Infinity for none. It is waited for in quarters. One that is over late (timers are
  // throttled in a background tab, a page does not run, a machine sleeps) counts no more than its length, and after a last one that was
  // late one more follows, so that what has come meanwhile is seen before the other side is judged.
  #watch(name, limit, onOver, waited = 0) {
    if (limit === 0) {
      return;
    }
    const isExtra = waited >= limit;
    const quarter = Math.min(limit / 4, isExtra ? limit : limit - waited, LONGEST_TIMER);
    const start = this.#options.now();
    this.#arm(name, limit === Infinity ? Infinity : quarter, () => {
      const isLate = this.#options.now() - start > 2 * quarter + USUAL_LATENESS;
      const total = waited + quarter;
      if (total < limit || (isLate && !isExtra)) {
        this.#watch(name, limit, onOver, total);
      } else {
        onOver();
      }
    });
  }

  // A timer of any length; Infinity is none.
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
