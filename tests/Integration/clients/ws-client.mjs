// Drives a Weir server with the npm package "ws", a client that shares no code with it.
//   node ws-client.mjs SCENARIO URL
// Prints one line of JSON with what happened; the test that runs it judges. Any surprise ends with exit code 1.
import { WebSocket } from 'ws';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';

const [scenario, url] = process.argv.slice(2);
const options = { rejectUnauthorized: false, perMessageDeflate: false };

async function open(address = url, more = {}, protocols = []) {
  const socket = new WebSocket(address, protocols, { ...options, ...more });
  socket.inbox = [];
  socket.on('message', (data, isBinary) => socket.inbox.push({ data, isBinary }));
  await once(socket, 'open');
  return socket;
}

async function next(socket) {
  while (socket.inbox.length === 0) await once(socket, 'message');
  return socket.inbox.shift();
}

async function close(socket, code, reason) {
  const closed = once(socket, 'close');
  socket.close(code, reason);
  const [gotCode, gotReason] = await closed;
  return [gotCode, gotReason.toString()];
}

const digest = data => createHash('sha256').update(data).digest('hex');

async function echoSizes(socket) {
  const sizes = [0, 1, 125, 126, 127, 1000, 4096, 65535, 65536, 300000, 1048576];
  const right = [];
  for (const size of sizes) {
    for (const data of [randomBytes(size), Buffer.alloc(size, 'weir ')]) {
      socket.send(data);
      const echo = await next(socket);
      if (echo.isBinary && digest(echo.data) === digest(data)) right.push(size);
    }
  }
  socket.send('Stauwehr 🏞️');
  const text = await next(socket);
  return { sizes: right, text: text.data.toString(), textIsBinary: text.isBinary };
}

const scenarios = {
  async echo() {
    const socket = await open();
    const result = await echoSizes(socket);
    return { ...result, close: await close(socket, 1000, 'done') };
  },
  async deflate() {
    const socket = await open(url, { perMessageDeflate: { threshold: 0 } });
    const result = await echoSizes(socket);
    return { ...result, extensions: socket.extensions, close: await close(socket, 1000, 'done') };
  },
  async ping() {
    const socket = await open();
    const pongs = [];
    for (const payload of ['', 'one', 'x'.repeat(125)]) {
      socket.ping(payload);
      const [data] = await once(socket, 'pong');
      pongs.push(data.toString());
    }
    socket.pong('unasked for');
    socket.send('still there');
    const echo = await next(socket);
    return { pongs, echo: echo.data.toString() };
  },
  async codes() {
    const byClient = [];
    for (const code of [1000, 1001, 1011, 3000, 4999]) byClient.push(await close(await open(), code, `reason ${code}`));
    const byServer = [];
    for (const code of [1000, 1013, 4000]) {
      const socket = await open();
      const closed = once(socket, 'close');
      socket.send(`!close ${code} because`);
      const [gotCode, reason] = await closed;
      byServer.push([gotCode, reason.toString()]);
    }
    return { byClient, byServer };
  },
  async fragments() {
    const socket = await open();
    socket.send('frag', { fin: false });
    socket.send('men', { fin: false });
    socket.ping('between');
    socket.send('ted', { fin: true });
    const echo = await next(socket);
    return { echo: echo.data.toString() };
  },
  async tooBig() {
    const socket = await open();
    const closed = once(socket, 'close');
    socket.on('error', () => {});
    socket.send(Buffer.alloc(1048577));
    const [code] = await closed;
    return { code };
  },
  async relay() {
    const [first, second, stranger] = await Promise.all(
      [open(`${url}?room=node`), open(`${url}?room=node&room=other`), open(`${url}?room=elsewhere`)]);
    // The 101 comes before the server has put a connection into its rooms, the Pong after.
    await Promise.all([first, second, stranger].map(socket => (socket.ping(), once(socket, 'pong'))));
    first.send('text for the room');
    const text = await next(second);
    second.send(Buffer.from([1, 2, 3]));
    const bytes = await next(first);
    await Promise.all([close(first, 1000), close(second, 1000)]);
    return {
      text: text.data.toString(), textIsBinary: text.isBinary,
      bytes: [...bytes.data], bytesIsBinary: bytes.isBinary,
      own: first.inbox.length + second.inbox.length, strangers: stranger.inbox.length,
    };
  },
  async refused() {
    const socket = new WebSocket(url, options);
    const [, response] = await once(socket, 'unexpected-response');
    return { status: response.statusCode };
  },
};

console.log(JSON.stringify(await scenarios[scenario]()));
process.exit(0);
