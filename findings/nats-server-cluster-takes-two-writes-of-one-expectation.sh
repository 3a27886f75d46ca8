#!/usr/bin/env bash
# nats-server in a cluster stores two messages that both expect the same last sequence of their subject: compare-and-set is not atomic.
#
# Server: nats-server 2.9.10 (Debian's nats-server 2.9.10-1+b3, unpacked in a temporary folder), three of them, a stream with three replicas.
# What one would guess: Nats-Expected-Last-Subject-Sequence makes a publish conditional, so of several that state the same number one is
#   stored and the others are refused with "wrong last sequence" (10071). With one server that is so, and with the number 0 in a cluster too.
# What happens: the leader compares the number when the message arrives, before it is proposed, and not when the proposal is applied.
#   Messages that arrive while another one is on its way through the cluster pass as well. All are acknowledged, and each follows the same
#   predecessor. A Nats-Msg-Id that is made of the number helps: deduplication is done when the proposal is applied.
# Input: two connections publish 20 messages with the same expectation, 30 times over; loopback; ends within two minutes.
# Output seen:
#   with the expectation alone: 600 messages sent in 30 rounds of one expectation each, 58 stored
#   with a message id made of it: 600 messages sent in 30 rounds of one expectation each, 30 stored
set -euo pipefail
folder=$(mktemp -d)
servers=()
trap '[ ${#servers[@]} = 0 ] || kill "${servers[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"

apt-get download nats-server=2.9.10-1+b3 > download.log 2>&1 || { cat download.log; exit 2; }
dpkg -x nats-server_*.deb root
server=$(find root -name nats-server -type f | head -1)
"$server" --version

base=$(shuf -i 20000-29000 -n 1)
routes=$(for i in 1 2 3; do printf '"nats-route://127.0.0.1:%d", ' $((base + 10 + i)); done)
for i in 1 2 3; do
  cat > "$i.conf" <<CONF
server_name: "n$i"
listen: "127.0.0.1:$((base + i))"
jetstream: { store_dir: "$folder/store$i", max_mem: 64MB, max_file: 256MB }
cluster: { name: "c", listen: "127.0.0.1:$((base + 10 + i))", routes: [ $routes ] }
CONF
  "$server" -c "$i.conf" > "$i.log" 2>&1 &
  servers+=($!)
done

timeout 120 python3 - "$base" <<'PYTHON'
import json, socket, sys, time

class Connection:
    def __init__(self, port):
        for _ in range(100):
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
                break
            except OSError:
                time.sleep(0.1)
        self.file = self.socket.makefile("rb")
        self.file.readline()  # INFO
        self.inbox = f"inbox{port}"
        self.socket.sendall(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB ' + self.inbox.encode() + b" 1\r\n")

    def send(self, subject, body, headers=""):
        if headers:
            head = ("NATS/1.0\r\n" + headers + "\r\n").encode()
            self.socket.sendall(f"HPUB {subject} {self.inbox} {len(head)} {len(head) + len(body)}\r\n".encode() + head + body + b"\r\n")
        else:
            self.socket.sendall(f"PUB {subject} {self.inbox} {len(body)}\r\n".encode() + body + b"\r\n")

    def receive(self):
        while True:
            words = self.file.readline().split()
            if words[0] == b"PING":
                self.socket.sendall(b"PONG\r\n")
            elif words[0] in (b"MSG", b"HMSG"):
                body = self.file.read(int(words[-1]) + 2)[:-2]
                return body[int(words[-2]):] if words[0] == b"HMSG" else body

    def ask(self, subject, body=b""):
        self.send(subject, body)
        return json.loads(self.receive() or b'{"error":{}}')

base = int(sys.argv[1])
one, two = Connection(base + 1), Connection(base + 2)
config = {"name": "s", "subjects": ["s.>"], "storage": "file", "num_replicas": 3}
for _ in range(100):
    created = one.ask("$JS.API.STREAM.CREATE.s", json.dumps(config).encode())
    if "error" not in created:
        break
    time.sleep(0.2)
time.sleep(1)

def run(subject, has_id):
    last = one.ask(subject, b"first")["seq"]
    stored = 0
    for _ in range(30):
        headers = f"Nats-Expected-Last-Subject-Sequence: {last}\r\n" + (f"Nats-Msg-Id: {subject} {last}\r\n" if has_id else "")
        for _ in range(10):
            one.send(subject, b"x", headers)
            two.send(subject, b"x", headers)
        acks = [json.loads(connection.receive()) for connection in (one, two) for _ in range(10)]
        new = [ack["seq"] for ack in acks if "error" not in ack and not ack.get("duplicate")]
        stored += len(new)
        last = max(new)
    return stored

alone, named = run("s.alone", False), run("s.named", True)
print(f"with the expectation alone: 600 messages sent in 30 rounds of one expectation each, {alone} stored")
print(f"with a message id made of it: 600 messages sent in 30 rounds of one expectation each, {named} stored")
if alone > 30 and named == 30:
    print("HOLDS: a replicated stream takes several messages that expect the same last sequence of their subject")
else:
    print("CHANGED: it takes one of them, or a message id does not help")
    sys.exit(1)
PYTHON
