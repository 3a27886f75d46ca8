#!/usr/bin/env bash
# centrifuge (npm): one POST to the emulation endpoint that fails ends the whole Node.js process.
#
# Library: centrifuge 5.7.4 under Node.js (seen: 20.20), with Node's own fetch; transports http_stream and sse.
# What one would guess: a command that cannot be sent is an error event, or a timeout of that command, and the client continues; what
#   its stream itself meets (a refused or broken connection) is handled so.
# What happens: the transport calls fetch for each command and drops the promise that it returns. When a server dies between two
#   commands, that promise rejects, and Node.js ends a process with an unhandled rejection: every client in it is gone, also those
#   whose own server lives. In a page it is an "unhandledrejection" event and the client continues.
# What helps: the option `fetch`, a function that calls fetch, adds a handler to the promise, and returns it.
# Input: a plain HTTP server answers the connect, and closes the connection that brings the subscribe. Loopback only, no other server.
# Output seen:
#   http_stream: the process ended (TypeError: fetch failed)
#   http_stream, with a fetch that has a handler: the process went on
#   sse: the process ended (TypeError: fetch failed)
#   sse, with a fetch that has a handler: the process went on
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund centrifuge@5.7.4 eventsource@3.0.7 >/dev/null
cat > probe.cjs <<'PROGRAM'
const http = require("node:http");
const { Centrifuge } = require("centrifuge");
const { EventSource } = require("eventsource");

const [transport, handles] = process.argv.slice(2);
const server = http.createServer((request, response) => {
  request.resume();
  if (request.url === "/emulation") {
    request.socket.destroy(); // as when the server dies
    return;
  }
  const connected = JSON.stringify({ id: 1, connect: { client: "c", version: "1", ping: 25, session: "s", node: "n" } });
  response.writeHead(200, { "content-type": transport === "sse" ? "text/event-stream" : "text/plain" });
  response.write(transport === "sse" ? `data: ${connected}\n\n` : `${connected}\n`);
});
server.listen(0, "127.0.0.1", () => {
  const base = `http://127.0.0.1:${server.address().port}`;
  const client = new Centrifuge([{ transport, endpoint: `${base}/stream` }], {
    emulationEndpoint: `${base}/emulation`,
    eventsource: EventSource,
    fetch: handles
      ? (...request) => {
        const response = fetch(...request);
        response.catch(() => {});
        return response;
      }
      : null,
  });
  client.on("connected", () => setTimeout(() => process.exit(0), 3000));
  client.newSubscription("news").subscribe();
  client.connect();
  setTimeout(() => process.exit(2), 20_000); // it has never been connected
});
PROGRAM
holds=yes
for transport in http_stream sse; do
    status=0
    node probe.cjs "$transport" 2>error || status=$?
    if [ "$status" = 1 ] && grep -q "fetch failed" error; then
        echo "$transport: the process ended ($(grep -m 1 -o 'TypeError: fetch failed' error))"
    else
        echo "$transport: exit status $status"; holds=no
    fi
    if node probe.cjs "$transport" handles 2>error; then
        echo "$transport, with a fetch that has a handler: the process went on"
    else
        echo "$transport, with a fetch that has a handler: exit status $?"; holds=no
    fi
done
if [ "$holds" = yes ]; then
    echo "HOLDS: centrifuge 5.7.4 ends a Node.js process when one POST of a command fails"
else
    echo "CHANGED: see above"
    exit 1
fi
