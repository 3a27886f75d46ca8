#!/usr/bin/env bash
# StackExchange.Redis: after SCRIPT FLUSH, script calls that were sent in order are executed in another order.
#
# Library: StackExchange.Redis 3.4.35 on .NET 10.
# Server: Redis 7.0.15 (Debian's redis-tools and redis-server 5:7.0.15-1~deb12u10, unpacked in a temporary folder).
# What one would guess: calls of one connection are executed in the order in which they were made, as all its other commands are; or, if
#   the server has lost the script, they fail with NOSCRIPT and the caller decides.
# What happens: ScriptEvaluateAsync(string) sends the hash of a script that the server has had before. Each call that is answered with
#   NOSCRIPT is sent again by itself when its continuation runs, in any order, and behind calls that were made later. No call fails, and
#   no event reports it. ScriptEvaluateAsync(byte[]), with the hash, throws RedisServerException "NOSCRIPT ..." instead.
# Input: 400 calls of a script that increments a counter, started one after another without waiting, and one SCRIPT FLUSH from another
#   connection after half of them; 20 rounds. Loopback only.
# Output seen:
#   without a flush: 0 of 20 rounds in another order
#   with a flush: 20 of 20 rounds in another order, 0 calls failed
#   by the hash, with a flush: NOSCRIPT
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

version=5:7.0.15-1~deb12u10
libraries=$(apt-cache depends redis-tools | sed -n 's/^ *Depends: \(lib[a-z0-9.+-]*\|lua-[a-z0-9-]*\)$/\1/p' | grep -v '^libc6$')
# shellcheck disable=SC2086 # one name a word
apt-get download "redis-tools=$version" "redis-server=$version" $libraries > download.log 2>&1 || { cat download.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
library_path=$(find "$folder/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)

port=0
for candidate in $(shuf -i 20000-30000 -n 20); do
  if ! (exec 3<> "/dev/tcp/127.0.0.1/$candidate") 2> /dev/null; then port=$candidate; break; fi
done
LD_LIBRARY_PATH=$library_path "$folder/root/usr/bin/redis-server" --port "$port" --bind 127.0.0.1 --save '' --dir "$folder" > server.log 2>&1 &
server=$!
for _ in $(seq 100); do (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break; sleep 0.1; done

mkdir net && cat > net/probe.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="StackExchange.Redis" Version="3.4.35" />
  </ItemGroup>
</Project>
PROJECT
cat > net/Program.cs <<'PROGRAM'
using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

const int Calls = 400, Rounds = 20;
string address = $"127.0.0.1:{args[0]}";
using ConnectionMultiplexer caller = await ConnectionMultiplexer.ConnectAsync(address);
using ConnectionMultiplexer administrator = await ConnectionMultiplexer.ConnectAsync(address);
IDatabase database = caller.GetDatabase();
const string Script = "return redis.call('INCR', KEYS[1])";
int failed = 0;

async Task<bool> IsReorderedAsync(bool flushes)
{
    RedisKey[] keys = [Guid.NewGuid().ToString("N")];
    List<Task<RedisResult>> calls = [];
    for (int i = 0; i < Calls; i++)
    {
        if (flushes && i == Calls / 2)
        {
            await administrator.GetDatabase().ExecuteAsync("SCRIPT", "FLUSH");
        }

        calls.Add(database.ScriptEvaluateAsync(Script, keys));
    }

    List<long> numbers = [];
    foreach (Task<RedisResult> call in calls)
    {
        try
        {
            numbers.Add((long)await call.WaitAsync(TimeSpan.FromSeconds(20)));
        }
        catch (RedisException)
        {
            failed++;
        }
    }

    return !numbers.SequenceEqual(numbers.Order());
}

await database.ScriptEvaluateAsync(Script, ["known"]);
int without = 0, with = 0;
for (int round = 0; round < Rounds; round++)
{
    without += await IsReorderedAsync(flushes: false) ? 1 : 0;
}

for (int round = 0; round < Rounds; round++)
{
    with += await IsReorderedAsync(flushes: true) ? 1 : 0;
}

await administrator.GetDatabase().ExecuteAsync("SCRIPT", "FLUSH");
string byHash;
try
{
    byHash = (string)(await database.ScriptEvaluateAsync(SHA1.HashData(Encoding.UTF8.GetBytes(Script)), ["known"]))!;
}
catch (RedisServerException error)
{
    byHash = error.Message.Split(' ')[0];
}

Console.WriteLine($"without a flush: {without} of {Rounds} rounds in another order");
Console.WriteLine($"with a flush: {with} of {Rounds} rounds in another order, {failed} calls failed");
Console.WriteLine($"by the hash, with a flush: {byHash}");
bool holds = without == 0 && with > 0 && failed == 0 && byHash == "NOSCRIPT";
Console.WriteLine(holds
    ? "HOLDS: script calls in flight at a SCRIPT FLUSH are repeated in another order"
    : "CHANGED: the order is kept, or calls fail");
return holds ? 0 : 1;
PROGRAM
dotnet build net -c Release -v quiet -nologo -o out > build.log 2>&1 || { cat build.log; exit 2; }
timeout 90 dotnet out/probe.dll "$port"
