#!/usr/bin/env bash
# centrifuge (npm): over http_stream, publications of a burst reach the application in another order than they have in the stream.
#
# Library: centrifuge 5.7.4 under Node.js (seen: 20.20), with Node's own fetch.
# What one would guess: the SDK hands out what a stream contains in its order; a comment in its source promises as much.
# What happens: lines that wait to be dispatched are chained on a promise that the SDK replaces with each line it begins. A further
#   piece of the response that is read meanwhile is chained on the newer promise, and its lines are dispatched between the earlier ones.
#   A burst that is one piece (one HTTP chunk, seen with 5,000 publications) keeps its order.
# Input: a plain HTTP server answers the connect with one server-side subscription and writes 5,000 publications, ten to an HTTP
#   chunk, at once. Loopback only, no other server; ends within a minute.
# Output seen:
#   centrifuge 5.7.4: 5000 publications, 3448 of them after a later one (the number differs from run to run)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund centrifuge@5.7.4 >/dev/null
cat > probe.cjs <<'PROGRAM'
const http = require("node:http");
const { Centrifuge } = require("centrifuge");

const total = 5000;
const server = http.createServer((request, response) => {
  request.resume();
  response.writeHead(200, { "content-type": "text/plain" });
  response.write(JSON.stringify({ id: 1, connect: { client: "c", version: "1", ping: 25, subs: { news: {} } } }) + "\n");
  setTimeout(() => {
    response.cork(); // one write to the socket, of one HTTP chunk for ten publications
    for (let n = 1; n <= total; n += 10) {
      const lines = Array.from({ length: 10 }, (_, i) => JSON.stringify({ push: { channel: "news", pub: { data: n + i } } }));
      response.write(lines.join("\n") + "\n");
    }
    response.uncork();
  }, 500);
});
server.listen(0, "127.0.0.1", () => {
  const client = new Centrifuge([{ transport: "http_stream", endpoint: `http://127.0.0.1:${server.address().port}/` }], {
    emulationEndpoint: `http://127.0.0.1:${server.address().port}/`,
  });
  let seen = 0;
  let greatest = 0;
  let late = 0;
  const end = () => {
    console.log(`centrifuge 5.7.4: ${seen} publications, ${late} of them after a later one`);
    process.exit(seen === total && late > 0 ? 0 : 1);
  };
  client.on("publication", ({ data }) => {
    seen++;
    late += data < greatest ? 1 : 0;
    greatest = Math.max(greatest, data);
    if (seen === total) {
      end();
    }
  });
  setTimeout(end, 30_000);
  client.connect();
});
PROGRAM
if node probe.cjs; then
    echo "HOLDS: centrifuge 5.7.4 gives publications of a burst over http_stream out of order"
else
    echo "CHANGED: the order was kept, or publications were missing"
    exit 1
fi
