#!/usr/bin/env bash
# StackExchange.Redis reports that a link is restored, and its channel connected, before it is subscribed again.
#
# Library: StackExchange.Redis 3.4.35 on .NET 10.
# Server: Redis 7.0.15 (Debian's redis-tools and redis-server 5:7.0.15-1~deb12u10, unpacked in a temporary folder).
# What one would guess: ConnectionRestored for the connection of type Subscription, with IsConnected(channel) true, is the moment from
#   which no message is missed any more, so the time to read a history and to compare positions with it.
# What happens: both mean that the handshake of the connection is over. SUBSCRIBE is in flight then; a message that is published at that
#   moment reaches no subscriber, over a link with a delay of 300 ms each way for another 300 ms. No later event reports that the
#   subscription is confirmed. A history that is read at the event and answered before the SUBSCRIBE arrives leaves a gap which nothing
#   reports. The task of SubscribeAsync confirms the first subscription; for the one that the library makes again there is no such task.
# Input: one channel, one CLIENT KILL of the subscriber's connection, over loopback; ends within a minute (a cold restore may take longer).
# Output seen:
#   first subscription awaited: PUBLISH is answered with :1
#   at ConnectionRestored: IsConnected(channel) True, PUBLISH is answered with :0
#   a PUBLISH is answered with :1 again 320 ms later
#   received: first, later; events since 0
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
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using StackExchange.Redis;

int port = int.Parse(args[0]);
TimeSpan limit = TimeSpan.FromSeconds(30), delay = TimeSpan.FromMilliseconds(300);

// A link with a delay of 300 ms each way, as to another continent.
TcpListener listener = new(IPAddress.Loopback, 0);
listener.Start();
_ = Task.Run(async () =>
{
    while (true)
    {
        TcpClient near = await listener.AcceptTcpClientAsync();
        TcpClient far = new("127.0.0.1", port);
        _ = LateAsync(near, far);
        _ = LateAsync(far, near);
    }
});

// The other side, without a delay: what the server has, and what a publisher is answered.
using TcpClient direct = new("127.0.0.1", port);
using StreamReader answers = new(direct.GetStream(), Encoding.ASCII);
string Ask(params string[] parts)
{
    direct.GetStream().Write(Encoding.ASCII.GetBytes(
        $"*{parts.Length}\r\n" + string.Concat(parts.Select(part => $"${part.Length}\r\n{part}\r\n"))));
    return answers.ReadLine()!;
}

using ConnectionMultiplexer multiplexer = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
ISubscriber subscriber = multiplexer.GetSubscriber();
RedisChannel channel = RedisChannel.Literal("news");
List<string> received = [];
await subscriber.SubscribeAsync(channel, (_, value) => { lock (received) { received.Add(value!); } });
Console.WriteLine($"first subscription awaited: PUBLISH is answered with {Ask("PUBLISH", "news", "first")}");

TaskCompletionSource<(bool IsConnected, string Receivers)> restored = new(TaskCreationOptions.RunContinuationsAsynchronously);
int events = 0;
multiplexer.ConnectionRestored += (_, e) =>
{
    Interlocked.Increment(ref events);
    if (e.ConnectionType == ConnectionType.Subscription)
    {
        restored.TrySetResult((subscriber.IsConnected(channel), Ask("PUBLISH", "news", "second")));
    }
};
Ask("CLIENT", "KILL", "TYPE", "pubsub");
var (isConnected, receivers) = await restored.Task.WaitAsync(limit);
Console.WriteLine($"at ConnectionRestored: IsConnected(channel) {isConnected}, PUBLISH is answered with {receivers}");
int eventsThen = Volatile.Read(ref events);
long began = Environment.TickCount64;
while (Ask("PUBLISH", "news", "later") == ":0" && Environment.TickCount64 - began < 10_000)
{
    await Task.Delay(20);
}

Console.WriteLine($"a PUBLISH is answered with :1 again {Environment.TickCount64 - began} ms later");
await Task.Delay(1500);
lock (received) { Console.WriteLine($"received: {string.Join(", ", received.Distinct())}; events since {Volatile.Read(ref events) - eventsThen}"); }
return isConnected && receivers == ":0" && !received.Contains("second") && received.Contains("later") && events == eventsThen ? 0 : 3;

async Task LateAsync(TcpClient from, TcpClient to)
{
    Channel<(long Due, byte[] Bytes)> queue = Channel.CreateUnbounded<(long, byte[])>();
    Task writing = Task.Run(async () =>
    {
        await foreach ((long due, byte[] bytes) in queue.Reader.ReadAllAsync())
        {
            long wait = due - Environment.TickCount64;
            if (wait > 0) { await Task.Delay((int)wait); }
            await to.GetStream().WriteAsync(bytes);
        }
        to.Close();
    });
    byte[] buffer = new byte[65536];
    try
    {
        for (int length; (length = await from.GetStream().ReadAsync(buffer)) > 0;)
        {
            queue.Writer.TryWrite((Environment.TickCount64 + (long)delay.TotalMilliseconds, buffer[..length]));
        }
    }
    catch (Exception error) when (error is IOException or InvalidOperationException)
    {
        // this link has been ended from the other side
    }

    queue.Writer.Complete();
    try
    {
        await writing;
    }
    catch (Exception error) when (error is IOException or InvalidOperationException)
    {
    }
}
PROGRAM
dotnet build net -c Release -v quiet -nologo -o out > build.log 2>&1 || { cat build.log; exit 2; }
status=0
timeout 90 dotnet out/probe.dll "$port" || status=$?
if [ "$status" = 0 ]; then
  echo "HOLDS: ConnectionRestored and IsConnected(channel) come before the subscription, whose confirmation no event reports"
else
  echo "CHANGED: a message published at ConnectionRestored is received, or a later event reports the subscription (exit $status)"
  exit 1
fi
