#!/usr/bin/env bash
# .NET's meter System.Runtime publishes the number of pool threads and the length of the pool's queue as counters, which may only grow.
#
# Library: System.Diagnostics.DiagnosticSource of .NET 10 (seen: 10.0.12, the runtime's own; no package).
# What one would guess: OpenTelemetry's semantic conventions for the .NET runtime define dotnet.thread_pool.thread.count and
#   dotnet.thread_pool.queue.length as up-down counters, as the same meter publishes dotnet.timer.count.
# What happens: both are ObservableCounter. An exporter calls them "counter" with the suffix _total, a query with rate() over them is
#   accepted, and each fall of the value is taken for a restart of the process.
# Input: none; the program lists the instruments and measures one of them twice, while the queue is long and after it was emptied.
# Output seen:
#   .NET 10.0.12: dotnet.thread_pool.queue.length ObservableCounter
#   .NET 10.0.12: dotnet.thread_pool.thread.count ObservableCounter
#   .NET 10.0.12: dotnet.timer.count ObservableUpDownCounter
#   queue length while 2000 items wait: more than 100; afterwards: fewer
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat > probe.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
</Project>
PROJECT
cat > Program.cs <<'PROGRAM'
using System.Diagnostics.Metrics;

Dictionary<string, string> kinds = [];
long queue = 0;
using MeterListener listener = new();
listener.InstrumentPublished = (instrument, self) =>
{
    if (instrument.Meter.Name == "System.Runtime")
    {
        kinds[instrument.Name] = instrument.GetType().Name.Split('`')[0];
        self.EnableMeasurementEvents(instrument);
    }
};
listener.SetMeasurementEventCallback<long>((instrument, value, _, _) =>
{
    if (instrument.Name == "dotnet.thread_pool.queue.length")
    {
        queue = value;
    }
});
listener.Start();
string[] shown = ["dotnet.thread_pool.queue.length", "dotnet.thread_pool.thread.count", "dotnet.timer.count"];
foreach (string name in shown)
{
    Console.WriteLine($".NET {Environment.Version}: {name} {kinds.GetValueOrDefault(name)}");
}

using ManualResetEventSlim gate = new();
using CountdownEvent rest = new(2000);
for (int i = 0; i < 2000; i++)
{
    ThreadPool.QueueUserWorkItem(_ => { gate.Wait(); rest.Signal(); });
}

listener.RecordObservableInstruments();
long before = queue;
gate.Set();
if (!rest.Wait(TimeSpan.FromSeconds(30)))
{
    return 4;
}

listener.RecordObservableInstruments();
Console.WriteLine($"queue length while 2000 items wait: {(before > 100 ? "more than 100" : before)}; afterwards: {(queue < before ? "fewer" : queue)}");
return before > queue && shown[..2].All(name => kinds[name] == "ObservableCounter") ? 0 : 3;
PROGRAM

dotnet build -c Release -v quiet -nologo -o out > build.log 2>&1 || { cat build.log; exit 2; }
status=0
timeout 50 dotnet out/probe.dll || status=$?
if [ "$status" = 0 ]; then
  echo "HOLDS: System.Runtime publishes the thread pool's size and queue as counters"
elif [ "$status" = 3 ]; then
  echo "CHANGED: System.Runtime publishes the thread pool's size and queue otherwise"
  exit 1
else
  exit 2
fi
