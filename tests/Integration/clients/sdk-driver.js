// Drives clients of the centrifuge SDK by orders; a classic script, so that it runs in Node and in a page alike.
//   makeDriver(Centrifuge, settings, report) -> perform(order), which returns the result of the order
// settings.endpoints is what the SDK connects to: { websocket: [URL...] } takes the next one each time, { sse | http_stream: URL }.
// settings.tokens are what a client's getToken gives, one after another, the last for ever; "with.tokens" of a subscribe likewise.
// settings.tap: report also the text of streams, in Node only (stream-tap.mjs).
// An order is { client, do, ... }; clients come into being with their first. report(event) is called for all that happens.
globalThis.makeDriver = function makeDriver(Centrifuge, settings, report) {
  const { endpoints, emulation, WebSocket, EventSource, streamsOf, tokens, options = {} } = settings;
  const clients = new Map();

  // Returns one after another, and reports it.
  function giver(given, happened) {
    let next = 0;
    return given && (async () => {
      report(happened);
      return given[Math.min(next++, given.length - 1)];
    });
  }

  function make(name) {
    const [transport] = Object.keys(endpoints);
    const streams = streamsOf?.(name) ?? { EventSource };
    let attempts = 0;
    class NextNode extends WebSocket {
      constructor(ignored, protocols) {
        super(endpoints.websocket[attempts++ % endpoints.websocket.length], protocols);
      }
    }
    const client = new Centrifuge(
      transport === "websocket" ? endpoints.websocket[0] : [{ transport, endpoint: endpoints[transport] }],
      {
        websocket: transport === "websocket" ? NextNode : undefined,
        eventsource: streams.EventSource,
        fetch: streams.fetch ?? null,
        emulationEndpoint: emulation,
        getToken: giver(tokens, { of: name, event: "token asked" }) ?? null,
        minReconnectDelay: 50,
        maxReconnectDelay: 500,
        ...options,
      });
    for (const event of ["connecting", "connected", "disconnected", "error", "message"]) {
      client.on(event, (context) => report({ of: name, event, ...context }));
    }
    // Channels that the server puts the client into by itself.
    for (const event of ["subscribed", "publication"]) {
      client.on(event, (context) => report({ of: name, event: `server ${event}`, ...context }));
    }
    return client;
  }

  function subscribe(client, { client: name, channel, with: { tokens: forChannel, ...wanted } = {} }) {
    const subscription = client.newSubscription(channel, {
      minResubscribeDelay: 50,
      maxResubscribeDelay: 500,
      getToken: giver(forChannel, { of: name, event: "channel token asked" }),
      ...wanted,
    });
    for (const event of ["subscribing", "subscribed", "unsubscribed", "publication", "join", "leave", "error"]) {
      subscription.on(event, (context) => report({ of: name, event: event === "error" ? "subscription error" : event, ...context }));
    }
    subscription.subscribe();
    return subscription.ready(15_000);
  }

  const orders = {
    connect: (client) => {
      client.connect();
      return client.ready(15_000);
    },
    disconnect: (client) => client.disconnect(),
    subscribe,
    unsubscribe: (client, { channel }) => client.getSubscription(channel).unsubscribe(),
    publish: (client, { channel, data }) => client.publish(channel, data),
    presence: (client, { channel }) => client.presence(channel),
    presenceStats: (client, { channel }) => client.presenceStats(channel),
    history: (client, { channel, with: wanted }) => client.history(channel, wanted),
    rpc: (client, { method, data }) => client.rpc(method, data),
    send: (client, { data }) => client.send(data),
    state: (client) => client.state,
    // Of the WebSocket under the SDK, in Node only.
    cut: async (client) => {
      await client.ready(15_000);
      client._transport._transport.terminate();
    },
    pause: (client) => client._transport._transport.pause(),
    resume: (client) => client._transport._transport.resume(),
  };

  return async (order) => {
    if (!clients.has(order.client)) {
      clients.set(order.client, make(order.client));
    }
    try {
      return { result: (await orders[order.do](clients.get(order.client), order)) ?? null };
    } catch (error) {
      return { error: error?.code ?? String(error) };
    }
  };
};
