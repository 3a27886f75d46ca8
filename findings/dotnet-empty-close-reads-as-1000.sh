#!/usr/bin/env bash
# .NET's ClientWebSocket reports a Close without a code as 1000 (NormalClosure), not as 1005.
#
# Library: System.Net.WebSockets.Client of .NET 10 (seen: 10.0.12, the runtime's own; no package). As a peer that is known to be right the
#   npm package ws 8.18.3 reads the same bytes.
# What one would guess: RFC 6455, section 7.1.5, says that a Close frame without a status code is 1005, and the enumeration
#   WebSocketCloseStatus has a member Empty = 1005 for it.
# What happens: for the two bytes 88 00 CloseStatus is NormalClosure and CloseStatusDescription is "", exactly as for 88 02 03 E8. A client
#   that reconnects after 1005 (the peer gave no reason) and stops after 1000 (the peer has finished) cannot distinguish them.
# Input: one upgrade and one valid Close frame, over loopback; ends within a minute (a cold restore may take longer).
# Output seen:
#   .NET 10.0.12: 8800 -> CloseStatus 1000 NormalClosure, description ""
#   .NET 10.0.12: 880203E8 -> CloseStatus 1000 NormalClosure, description ""
#   ws 8.18.3: 8800 -> 1005
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

mkdir net && cat > net/probe.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
</Project>
PROJECT
cat > net/Program.cs <<'PROGRAM'
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;

using CancellationTokenSource limit = new(TimeSpan.FromSeconds(20));
List<WebSocketCloseStatus?> seen = [];
foreach (string frame in new[] { "8800", "880203E8" })
{
    TcpListener listener = new(IPAddress.Loopback, 0);
    listener.Start();
    Task server = Task.Run(async () =>
    {
        using Socket peer = await listener.AcceptSocketAsync(limit.Token);
        byte[] buffer = new byte[4096];
        string head = "";
        while (!head.Contains("\r\n\r\n"))
        {
            head += Encoding.ASCII.GetString(buffer, 0, await peer.ReceiveAsync(buffer, limit.Token));
        }

        string key = head.Split("\r\n").First(line => line.StartsWith("Sec-WebSocket-Key: ", StringComparison.OrdinalIgnoreCase))[19..];
        string accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
        await peer.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"));
        await peer.SendAsync(Convert.FromHexString(frame));
        await peer.ReceiveAsync(buffer, limit.Token);
    });
    using ClientWebSocket client = new();
    await client.ConnectAsync(new Uri($"ws://{listener.LocalEndpoint}/"), limit.Token);
    WebSocketReceiveResult result = await client.ReceiveAsync(new byte[64], limit.Token);
    Console.WriteLine($".NET {Environment.Version}: {frame} -> CloseStatus {(int?)client.CloseStatus} {client.CloseStatus}, description \"{client.CloseStatusDescription}\"");
    seen.Add(result.CloseStatus);
    listener.Stop();
}

return seen[0] == WebSocketCloseStatus.NormalClosure && seen[1] == WebSocketCloseStatus.NormalClosure ? 0 : 3;
PROGRAM

mkdir js && cat > js/probe.mjs <<'SCRIPT'
import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { WebSocket } from "ws";

const server = createServer((peer) => peer.once("data", (head) => {
  const key = /sec-websocket-key: (.*)\r/i.exec(head)[1];
  const accept = createHash("sha1").update(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
  peer.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  peer.write(Buffer.from("8800", "hex"));
}));
server.listen(0, "127.0.0.1", () => new WebSocket(`ws://127.0.0.1:${server.address().port}`).on("close", (code) => {
  console.log(`ws 8.18.3: 8800 -> ${code}`);
  process.exit(code === 1005 ? 0 : 3);
}));
setTimeout(() => process.exit(4), 20_000);
SCRIPT

(cd js && npm init -y > /dev/null && npm install --silent --no-audit --no-fund ws@8.18.3 && timeout 30 node probe.mjs)
dotnet build net -c Release -v quiet -nologo -o out > build.log 2>&1 || { cat build.log; exit 2; }
status=0
timeout 30 dotnet out/probe.dll || status=$?
if [ "$status" = 0 ]; then
  echo "HOLDS: ClientWebSocket reads a Close without a code as 1000"
else
  echo "CHANGED: ClientWebSocket tells a Close without a code from 1000 (exit $status)"
  exit 1
fi
