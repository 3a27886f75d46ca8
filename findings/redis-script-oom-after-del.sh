#!/usr/bin/env bash
# A Lua script of Redis that has called DEL, on a key that does not exist, is no longer refused with OOM: it then stores what it likes.
#
# Server: Redis 7.0.15 (Debian's redis-tools and redis-server 5:7.0.15-1~deb12u10, unpacked in a temporary folder), maxmemory 1,
#   policy noeviction (the default).
# What one would guess: every HSET of a script is refused by a server that is over maxmemory, as it is outside of scripts. The
#   documentation says that a script which has begun to write is not stopped halfway; a DEL that deletes nothing looks like no write.
# What happens: the first call of a command with the flag "write" counts, whatever it changes. A command without the flag "denyoom"
#   (DEL, EXPIRE, HDEL, ZREM) is let through, and from then on nothing in that script is refused: 1 MB is stored. The same script
#   without the DEL is refused. So a guard "DEL what is left over, then write" switches the memory limit off, and a check whether a
#   server takes writes must begin with a command that has "denyoom".
# Input: three EVALs over loopback; ends within a minute.
# Output seen:
#   HSET alone: OOM command not allowed when used memory > 'maxmemory'.
#   DEL of nothing, then HSET: 1, and the key has 1000000 bytes
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"

version=5:7.0.15-1~deb12u10
libraries=$(apt-cache depends redis-tools | sed -n 's/^ *Depends: \(lib[a-z0-9.+-]*\|lua-[a-z0-9-]*\)$/\1/p' | grep -v '^libc6$')
# shellcheck disable=SC2086 # one name a word
apt-get download "redis-tools=$version" "redis-server=$version" $libraries > download.log 2>&1 || { cat download.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
library_path=$(find "$folder/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH=$library_path

port=0
for candidate in $(shuf -i 20000-30000 -n 20); do
  if ! (exec 3<> "/dev/tcp/127.0.0.1/$candidate") 2> /dev/null; then port=$candidate; break; fi
done
"$folder/root/usr/bin/redis-server" --port "$port" --bind 127.0.0.1 --save '' --maxmemory 1 --dir "$folder" > server.log 2>&1 &
server=$!
ask() { timeout 10 "$folder/root/usr/bin/redis-cli" -p "$port" "$@" 2>&1; }
for _ in $(seq 100); do [ "$(ask PING)" = PONG ] && break; sleep 0.1; done

alone=$(ask EVAL "return redis.call('HSET', KEYS[1], 'f', string.rep('x', 1000000))" 1 first)
after=$(ask EVAL "redis.call('DEL', 'nothing of this name') return redis.call('HSET', KEYS[1], 'f', string.rep('x', 1000000))" 1 second)
size=$(ask HSTRLEN second f)
echo "redis-server: $("$folder/root/usr/bin/redis-server" --version)"
echo "HSET alone: $alone"
echo "DEL of nothing, then HSET: $after, and the key has $size bytes"
if [[ $alone == OOM* && $after == 1 && $size == 1000000 ]]; then
  echo "HOLDS: a DEL that deletes nothing lets the rest of a script store beyond maxmemory"
else
  echo "CHANGED: the script with DEL is refused too, or the one without is not"
  exit 1
fi
