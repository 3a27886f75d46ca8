#!/usr/bin/env bash
# Kestrel ends an HTTP/1.1 connection without an answer if it is asked to close it before its HTTP layer has begun to read, although the
# whole request is in the connection's pipe.
#
# Library: Microsoft.AspNetCore.Server.Kestrel of .NET 10 (seen: 10.0.12, the shared framework's own; no package).
# What one would guess: IConnectionLifetimeNotificationFeature.RequestClose requests an orderly end: the request that has arrived is
#   answered, with "Connection: close", and then the connection ends. That is what happens once HTTP has begun to read.
# What happens: connection middleware that lets a request arrive, calls RequestClose and then calls the next delegate sees the connection
#   end with no byte sent. The client cannot know whether its request was processed. The same befalls clients of a server that stops while
#   their connection is still in connection middleware, TLS included.
# Input: one GET per case, over loopback; ends within a minute (a cold restore may take longer).
# Output seen:
#   .NET 10.0.12: not asked to close -> HTTP/1.1 200 OK
#   .NET 10.0.12: asked to close while the request is handled -> HTTP/1.1 200 OK, Connection: close
#   .NET 10.0.12: asked to close before HTTP reads -> 0 bytes
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat > probe.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk.Web">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
</Project>
PROJECT
cat > Program.cs <<'PROGRAM'
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
string when = "";
WebApplicationBuilder builder = WebApplication.CreateBuilder();
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Use(next => async connection =>
{
    // The whole request is in the pipe before HTTP begins to read, in each of the cases.
    PipeReader input = connection.Transport.Input;
    while (true)
    {
        ReadResult read = await input.ReadAsync(limit.Token);
        bool isWhole = Encoding.ASCII.GetString(read.Buffer).EndsWith("\r\n\r\n", StringComparison.Ordinal);
        input.AdvanceTo(read.Buffer.Start, isWhole ? read.Buffer.Start : read.Buffer.End);
        if (isWhole)
        {
            break;
        }
    }

    if (when == "before HTTP reads")
    {
        connection.Features.Get<IConnectionLifetimeNotificationFeature>()!.RequestClose();
    }

    await next(connection);
})));
WebApplication application = builder.Build();
application.MapGet("/", (HttpContext http) =>
{
    if (when == "while the request is handled")
    {
        http.Features.Get<IConnectionLifetimeNotificationFeature>()!.RequestClose();
    }

    return "hello";
});
await application.StartAsync(limit.Token);
Uri address = new(application.Urls.First());

async Task<string> AskAsync(string closing)
{
    when = closing;
    using TcpClient client = new();
    await client.ConnectAsync(address.Host, address.Port, limit.Token);
    NetworkStream stream = client.GetStream();
    await stream.WriteAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), limit.Token);
    StringBuilder answer = new();
    byte[] buffer = new byte[4096];
    int count;
    while (!answer.ToString().Contains("hello", StringComparison.Ordinal) && (count = await stream.ReadAsync(buffer, limit.Token)) > 0)
    {
        answer.Append(Encoding.ASCII.GetString(buffer, 0, count));
    }

    string[] lines = answer.ToString().Split("\r\n");
    string closes = lines.Contains("Connection: close") ? ", Connection: close" : "";
    string seen = answer.Length == 0 ? "0 bytes" : lines[0] + closes;
    Console.WriteLine($".NET {Environment.Version}: {(closing.Length == 0 ? "not asked to close" : "asked to close " + closing)} -> {seen}");
    return seen;
}

bool holds = await AskAsync("") == "HTTP/1.1 200 OK"
    & await AskAsync("while the request is handled") == "HTTP/1.1 200 OK, Connection: close"
    & await AskAsync("before HTTP reads") == "0 bytes";
await application.StopAsync(limit.Token);
return holds ? 0 : 3;
PROGRAM

dotnet build . -c Release -v quiet -nologo -o out > build.log 2>&1 || { cat build.log; exit 2; }
status=0
timeout 40 dotnet out/probe.dll || status=$?
if [ "$status" = 0 ]; then
  echo "HOLDS: Kestrel drops a request that has arrived if it is asked to close the connection before HTTP reads"
else
  echo "CHANGED: Kestrel answers otherwise (exit $status)"
  exit 1
fi
