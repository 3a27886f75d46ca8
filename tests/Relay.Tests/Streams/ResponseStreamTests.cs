using System.Text;
using Microsoft.Extensions.Time.Testing;
using Weir.Connections;
using Weir.Relay.Brokers;
using Weir.Relay.Streams;
using Weir.Testing;
using Xunit;

namespace Weir.Relay.Tests.Streams;

public sealed class ResponseStreamTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly StallingPipeWriter _writer = new();
    private readonly CancellationTokenSource _gone = new();
    private int _aborts;

    public void Dispose() => _gone.Dispose();

    private string Sent => Encoding.UTF8.GetString(_writer.Sent);

    [Fact]
    public async Task Events_AreWrittenInOrder_WithThePositionFirst()
    {
        ResponseStream stream = NewStream();
        stream.Cursor.Set(0, new StreamPosition("e", 4));
        Task running = stream.RunAsync(_gone.Token);

        stream.Enqueue(Event("a", 5));
        stream.Enqueue(Event("b", 6));
        stream.End(SseFormat.Retry(TimeSpan.FromSeconds(1)));
        await running.Within();

        Assert.Equal("id: e:4\n:\n\nid: e:5\ndata: a\n\nid: e:6\ndata: b\n\nretry: 1000\n\n", Sent);
    }

    [Fact]
    public async Task SlowClient_BeyondTheBytes_IsAborted()
    {
        ResponseStream stream = NewStream(new SseOptions { CloseAtBytes = 100 });
        Task running = stream.RunAsync(_gone.Token);
        await Bounded.Eventually(() => Sent.Length > 0);
        _writer.Hold();

        for (int i = 0; i < 20 && !stream.IsTooSlow; i++)
        {
            stream.Enqueue(Event("0123456789", i + 1));
        }

        Assert.True(stream.IsTooSlow);
        await Bounded.Eventually(() => Volatile.Read(ref _aborts) == 1);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running).Within();
    }

    [Fact]
    public async Task ClientThatReadsNothing_ForTooLong_IsAborted()
    {
        ResponseStream stream = NewStream(new SseOptions { MaxDelay = TimeSpan.FromSeconds(5) });
        Task running = stream.RunAsync(_gone.Token);
        await Bounded.Eventually(() => Sent.Length > 0);
        _writer.Hold();
        stream.Enqueue(Event("a", 1));
        await Bounded.Eventually(() => _writer.IsFlushPending);

        Pass(4);
        Assert.False(stream.IsTooSlow);
        await Bounded.Eventually(() =>
        {
            Pass(1);
            return stream.IsTooSlow;
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running).Within();
    }

    [Fact]
    public async Task ClientThatCatchesUp_IsNotAborted()
    {
        ResponseStream stream = NewStream(new SseOptions { CloseAtBytes = 100 });
        Task running = stream.RunAsync(_gone.Token);
        for (int i = 1; i <= 100; i++)
        {
            stream.Enqueue(Event("0123456789", i));
            await Bounded.Eventually(() => Sent.EndsWith($"id: e:{i}\ndata: 0123456789\n\n", StringComparison.Ordinal));
        }

        stream.End(SseFormat.Retry(TimeSpan.Zero));
        await running.Within();
        Assert.Equal(0, _aborts);
    }

    [Fact]
    public async Task WhatWasMissed_DoesNotCountAsWaiting()
    {
        ResponseStream stream = NewStream(new SseOptions { CloseAtBytes = 100 });
        Publication missed = new() { Data = new byte[50] };
        for (int i = 1; i <= 100; i++)
        {
            stream.Enqueue(new SseEvent(0, Body: null, Id: null, new StreamPosition("e", i), missed));
        }

        Task running = stream.RunAsync(_gone.Token);
        stream.End(SseFormat.Retry(TimeSpan.Zero));
        await running.Within();

        Assert.False(stream.IsTooSlow);
        Assert.Contains("id: e:100\n", Sent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Heartbeats_OnlyWhenNothingElseIsSent()
    {
        ResponseStream stream = NewStream(new SseOptions { HeartbeatInterval = TimeSpan.FromSeconds(10) });
        Task running = stream.RunAsync(_gone.Token);
        await Bounded.Eventually(() => Sent == ":\n\n");

        Pass(6);
        stream.Enqueue(Event("a", 1));
        await Bounded.Eventually(() => Sent.EndsWith("a\n\n", StringComparison.Ordinal));
        Pass(6); // 12 s since the start, 6 since the event
        Assert.EndsWith("a\n\n", Sent, StringComparison.Ordinal);
        await Bounded.Eventually(() =>
        {
            Pass(1);
            return Sent.EndsWith("a\n\n:\n\n", StringComparison.Ordinal);
        });

        stream.End(SseFormat.Retry(TimeSpan.Zero));
        await running.Within();
    }

    [Fact]
    public async Task ClientDisconnected_EndsTheLoop()
    {
        ResponseStream stream = NewStream();
        Task running = stream.RunAsync(_gone.Token);
        await _gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running).Within();
        stream.Enqueue(Event("a", 1)); // too late, and harmless
        stream.End(SseFormat.Retry(TimeSpan.Zero));
    }

    private void Pass(int seconds)
    {
        for (int i = 0; i < seconds * 10; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }
    }

    private ResponseStream NewStream(SseOptions? options = null)
    {
        WeirNode node = new(new WeirEngine(loggers: null, meters: null, _time));
        StreamSettings settings = (options ?? new SseOptions()).ToSettings(node);
        return new ResponseStream("s", new SseCursor(new StreamPosition[1], "", log: null), _writer, Abort, settings, user: "");
    }

    private void Abort()
    {
        Interlocked.Increment(ref _aborts);
        _gone.Cancel();
    }

    private static SseEvent Event(string text, long offset)
    {
        StreamPosition position = new("e", offset);
        return new SseEvent(0, Encoding.UTF8.GetBytes($"data: {text}\n\n"), SseFormat.Id(position), position);
    }
}
