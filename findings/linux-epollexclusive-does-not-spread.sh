#!/usr/bin/env bash
# EPOLLEXCLUSIVE on a shared listening socket spreads nothing: one epoll instance is given every connection that comes while it waits.
#
# Kernel: Linux (seen: 6.18.44); Python 3's select.epoll and socket as the program, no package.
# What one would guess: several loops that watch one listening socket with EPOLLEXCLUSIVE share its connections, since the flag is there
#   so that one of them is woken and not all; without the flag ("thundering herd") the distribution is the worse one.
# What happens: the kernel wakes the waiter that stands first in the socket's queue, and it stays first. With a few milliseconds between
#   connections the first of four instances accepts all 200, on a Unix socket and on TCP. Without the flag, where all are woken and
#   race, the connections are spread. With EPOLLET the flag does the same. Loops that are to share a load need a listening socket each
#   (SO_REUSEPORT, which Unix sockets do not have in this sense), or have to hand connections over.
#   Besides: a descriptor with the flag cannot be modified any more (EPOLL_CTL_MOD: EINVAL), and EPOLLRDHUP beside it is refused too.
# Input: 200 connections one after another on loopback for each case, four threads; ends within 20 seconds.
# Output seen:
#   unix, EPOLLEXCLUSIVE: accepted 200 0 0 0
#   unix, EPOLLEXCLUSIVE | EPOLLET: accepted 200 0 0 0
#   unix, no flag: accepted 132 45 18 5
#   tcp, EPOLLEXCLUSIVE: accepted 200 0 0 0
#   tcp, EPOLLEXCLUSIVE | EPOLLET: accepted 200 0 0 0
#   tcp, no flag: accepted 111 49 26 14
#   EPOLL_CTL_MOD: EINVAL; EPOLLRDHUP beside it: EINVAL
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > probe.py <<'PROGRAM'
import errno, os, select, socket, sys, threading, time

LOOPS, CONNECTIONS = 4, 200


def accepted(family, flags):
    listener = socket.socket(family)
    listener.bind(f"socket-{flags}" if family == socket.AF_UNIX else ("127.0.0.1", 0))
    listener.listen(512)
    listener.setblocking(False)
    counts, ends = [0] * LOOPS, threading.Event()
    # Registered in order before the first of them waits.
    instances = [select.epoll() for _ in range(LOOPS)]
    for instance in instances:
        instance.register(listener.fileno(), select.EPOLLIN | flags)

    def serve(i):
        while not ends.is_set():
            if not instances[i].poll(0.2):
                continue
            while True:
                try:
                    peer, _ = listener.accept()
                except BlockingIOError:
                    break
                counts[i] += 1
                peer.close()

    threads = [threading.Thread(target=serve, args=(i,)) for i in range(LOOPS)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    for _ in range(CONNECTIONS):
        with socket.socket(family) as client:
            client.settimeout(5)
            client.connect(listener.getsockname())
            time.sleep(0.003)
    deadline = time.monotonic() + 5
    while sum(counts) < CONNECTIONS and time.monotonic() < deadline:
        time.sleep(0.05)
    ends.set()
    for thread in threads:
        thread.join()
    listener.close()
    return counts


def refused(call):
    try:
        call()
        return "taken"
    except OSError as error:
        return errno.errorcode[error.errno]


print(f"Linux {os.uname().release}, Python {sys.version.split()[0]}")
holds = True
for family, name in ((socket.AF_UNIX, "unix"), (socket.AF_INET, "tcp")):
    for flags, text in ((select.EPOLLEXCLUSIVE, "EPOLLEXCLUSIVE"),
                        (select.EPOLLEXCLUSIVE | select.EPOLLET, "EPOLLEXCLUSIVE | EPOLLET"), (0, "no flag")):
        counts = accepted(family, flags)
        print(f"{name}, {text}: accepted {' '.join(map(str, counts))}")
        # A busy machine may keep one loop from being back in its wait: nine tenths are "all" here.
        holds &= sum(counts) == CONNECTIONS and (max(counts) >= CONNECTIONS * 9 // 10 if flags else True)

pipe, _ = os.pipe()
instance, other = select.epoll(), select.epoll()
instance.register(pipe, select.EPOLLIN | select.EPOLLEXCLUSIVE)
modified = refused(lambda: instance.modify(pipe, select.EPOLLIN))
combined = refused(lambda: other.register(pipe, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLEXCLUSIVE))
print(f"EPOLL_CTL_MOD: {modified}; EPOLLRDHUP beside it: {combined}")
sys.exit(0 if holds and modified == combined == "EINVAL" else 3)
PROGRAM
status=0
timeout 60 python3 probe.py || status=$?
if [ "$status" = 0 ]; then
  echo "HOLDS: with EPOLLEXCLUSIVE one of four epoll instances accepts nine tenths of the connections or more"
else
  echo "CHANGED: EPOLLEXCLUSIVE spreads connections, or can be modified or combined (exit $status)"
  exit 1
fi
