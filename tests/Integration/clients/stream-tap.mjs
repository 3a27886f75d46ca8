// What a client of a stream transport sent and was sent, read beside the SDK, in the order of the bytes. The SDK gives publications
// of a burst to its application in another order (findings/centrifuge-js-stream-burst-order.sh). Events for report:
//   { event: "wire connected" }
//   { event: "wire subscribed", channel, from, recovered, position }: from is the position that the client asked to go on from, or null
//   { event: "wire publication", channel, offset, data }
export class StreamTap {
  #report;
  #subscribes = new Map(); // the commands that have no answer yet, by their id
  #decoder = new TextDecoder();
  #rest = "";

  constructor(report) {
    this.#report = report;
  }

  /** The body of a request to the emulation endpoint. */
  sent(body) {
    for (const line of JSON.parse(body).data.split("\n")) {
      const command = JSON.parse(line);
      if (command.subscribe) {
        this.#subscribes.set(command.id, command.subscribe);
      }
    }
  }

  /** A new stream: what is left of the one before is no line. */
  opened() {
    this.#decoder = new TextDecoder();
    this.#rest = "";
  }

  /** Bytes of a stream of lines. */
  receivedBytes(bytes) {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = lines.pop();
    lines.forEach((line) => this.received(line));
  }

  /** A reply or a push. */
  received(line) {
    const reply = JSON.parse(line);
    if (reply.connect) {
      this.#report({ event: "wire connected" });
    } else if (reply.subscribe && this.#subscribes.has(reply.id)) {
      this.#subscribed(this.#subscribes.get(reply.id), reply.subscribe);
      this.#subscribes.delete(reply.id);
    } else if (reply.push?.pub) {
      this.#published(reply.push.channel, reply.push.pub);
    }
  }

  #subscribed({ channel, recover, offset, epoch }, { recovered, offset: at, epoch: now, publications }) {
    this.#report({
      event: "wire subscribed",
      channel,
      from: recover ? { offset: offset ?? 0, epoch: epoch ?? "" } : null,
      recovered: recovered ?? false,
      position: now ? { offset: at ?? 0, epoch: now } : null,
    });
    publications?.forEach((publication) => this.#published(channel, publication));
  }

  #published(channel, { offset, data }) {
    this.#report({ event: "wire publication", channel, offset: offset ?? 0, data });
  }
}
