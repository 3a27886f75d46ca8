#!/usr/bin/env bash
# PipeWriter.Create(stream) throws away what is written while a flush is pending; the writer of a Pipe keeps it.
#
# Library: System.IO.Pipelines of .NET 10 (seen: 10.0.12, the runtime's own; no package).
# What one would guess: both are PipeWriter, so code that was tested on a Pipe (Kestrel's plain connections) is right on a stream-backed
#   writer too (what Kestrel's TLS and upgraded requests, and every adapter of a Stream, put there). Advance outside of a flush adds to
#   what the next flush sends, so bytes that are advanced during a flush would go with the one after it, or raise an exception.
# What happens: the pending FlushAsync remembers no end. When the stream's WriteAsync completes, the writer resets its buffers, with
#   everything that was advanced meanwhile. No exception, UnflushedBytes is 0 again, and the next FlushAsync sends nothing. A Pipe under
#   the same calls delivers all bytes in order. Serialize writes and flushes per connection, and queue during a flush.
# Input: ten bytes into a stream whose WriteAsync completes when the program says so; nothing leaves the process. Ends within a minute
#   (a cold restore may take longer).
# Output seen:
#   .NET 10.0.12, PipeWriter.Create(stream): unflushed during the flush 10, after it 0; the reader has "first"
#   .NET 10.0.12, Pipe.Writer: the reader has "firstother"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
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
using System.Buffers;
using System.IO.Pipelines;
using System.Text;

TimeSpan limit = TimeSpan.FromSeconds(20);

void Write(PipeWriter writer, string text) => writer.Advance(Encoding.ASCII.GetBytes(text, writer.GetSpan(text.Length)));

GatedStream stream = new();
PipeWriter overStream = PipeWriter.Create(stream);
Write(overStream, "first");
Task flush = overStream.FlushAsync().AsTask();
Write(overStream, "other");
long during = overStream.UnflushedBytes;
stream.Gate.SetResult();
await flush.WaitAsync(limit);
long after = overStream.UnflushedBytes;
await overStream.FlushAsync().AsTask().WaitAsync(limit);
string streamed = Encoding.ASCII.GetString(stream.Taken.ToArray());
Console.WriteLine($".NET {Environment.Version}, PipeWriter.Create(stream): unflushed during the flush {during}, after it {after}; the reader has \"{streamed}\"");

// A threshold of one byte keeps the flush pending until the reader has consumed: the same order of calls.
Pipe pipe = new(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
Write(pipe.Writer, "first");
Task pending = pipe.Writer.FlushAsync().AsTask();
bool wasPending = !pending.IsCompleted;
Write(pipe.Writer, "other");
ReadResult read = await pipe.Reader.ReadAsync().AsTask().WaitAsync(limit);
string piped = Encoding.ASCII.GetString(read.Buffer.ToArray());
pipe.Reader.AdvanceTo(read.Buffer.End);
await pending.WaitAsync(limit);
Task second = pipe.Writer.FlushAsync().AsTask();
if (pipe.Reader.TryRead(out read))
{
    piped += Encoding.ASCII.GetString(read.Buffer.ToArray());
    pipe.Reader.AdvanceTo(read.Buffer.End);
}

await second.WaitAsync(limit);
Console.WriteLine($".NET {Environment.Version}, Pipe.Writer: the reader has \"{piped}\"");
return streamed == "first" && wasPending && piped == "firstother" ? 0 : 3;

sealed class GatedStream : Stream
{
    public TaskCompletionSource Gate { get; } = new();
    public MemoryStream Taken { get; } = new();
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await Gate.Task;
        Taken.Write(buffer.Span);
    }

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
PROGRAM
dotnet build . -c Release -v quiet -nologo -o out > build.log 2>&1 || { cat build.log; exit 2; }
status=0
timeout 60 dotnet out/probe.dll || status=$?
if [ "$status" = 0 ]; then
  echo "HOLDS: a PipeWriter over a stream loses what is written during a pending flush, a Pipe's writer does not"
else
  echo "CHANGED: the two writers treat bytes written during a pending flush in another way (exit $status)"
  exit 1
fi
