#!/usr/bin/env bash
# nats-server in a cluster loses messages when a server is restarted after a stream's limit was raised: it applies the old limit again.
#
# Server: nats-server 2.9.10 (Debian's nats-server 2.9.10-1+b3, unpacked in a temporary folder), three of them, a stream with three replicas.
# What one would guess: a stream created with max_msgs_per_subject 5 and updated to 1000 keeps 1000 messages of a subject from then on,
#   on every server and through restarts: the configuration on disk has the new limit.
# What happens: a server that is restarted executes the log of the cluster's metadata from its last snapshot: first the creation with 5, by
#   which it deletes all but 5 messages from its copy, then the update. The copies differ from then on; when it becomes the leader, the
#   messages are gone for readers. So a limit must have its final value when the stream is created.
# Input: 200 messages to one subject; one server is killed and started again; loopback; ends within two minutes.
# Output seen:
#   before the restart: 200 messages; after it, by the server that was restarted: 5 messages
set -euo pipefail
folder=$(mktemp -d)
servers=()
trap '[ ${#servers[@]} = 0 ] || kill "${servers[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"

apt-get download nats-server=2.9.10-1+b3 > download.log 2>&1 || { cat download.log; exit 2; }
dpkg -x nats-server_*.deb root
server=$folder/$(find root -name nats-server -type f | head -1)
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

timeout 120 python3 - "$base" "${servers[2]}" "$server" <<'PYTHON'
import json, os, signal, socket, subprocess, sys, time

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

def ask(subject, body=b""):
    connection = Connection(base + 1)
    connection.socket.settimeout(3)
    try:
        return connection.ask(subject, body)
    except TimeoutError:
        return {"error": {}}  # no leader yet

base, third, server = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
one = Connection(base + 1)

def config(limit):
    return json.dumps({"name": "s", "subjects": ["s"], "storage": "file", "num_replicas": 3, "max_msgs_per_subject": limit}).encode()

def until(condition, seconds=60):
    end = time.time() + seconds
    while not condition() and time.time() < end:
        time.sleep(0.2)

until(lambda: "error" not in ask("$JS.API.STREAM.CREATE.s", config(5)))
until(lambda: "error" not in ask("$JS.API.STREAM.UPDATE.s", config(1000)))
for _ in range(200):
    one.ask("s", b"x")
before = ask("$JS.API.STREAM.INFO.s")

os.kill(third, signal.SIGKILL)


def has_ended():
    try:
        return "State:\tZ" in open(f"/proc/{third}/status").read()
    except FileNotFoundError:
        return True

until(has_ended)
again = subprocess.Popen([server, "-c", "3.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    def info():
        return ask("$JS.API.STREAM.INFO.s")

    def is_current():
        replicas = info().get("cluster", {}).get("replicas") or []
        return len(replicas) == 2 and all(replica["current"] for replica in replicas)

    until(is_current)

    def is_leader():
        if info().get("cluster", {}).get("leader") == "n3":
            return True
        ask("$JS.API.STREAM.LEADER.STEPDOWN.s")
        time.sleep(1)
        return False

    until(is_leader)
    after = info()
finally:
    again.kill()
    again.wait()
kept = after["state"]["messages"]
print(f"before the restart: {before['state']['messages']} messages; after it, by the server that was restarted: {kept} messages")
if before["state"]["messages"] == 200 and after["cluster"]["leader"] == "n3" and kept < 200:
    print("HOLDS: a server that is restarted applies the limit with which the stream was created, and deletes what the raised one keeps")
else:
    print("CHANGED: all messages are there, or the server did not become the leader")
    sys.exit(1)
PYTHON
