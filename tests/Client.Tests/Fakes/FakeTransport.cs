using System.Threading.Channels;
using Weir.Client.Events;
using Weir.Client.Transport;
using Weir.Testing;

namespace Weir.Client.Tests.Fakes;

/// <summary>A network in memory: a test decides the result of each attempt, and plays the server on the open connections.</summary>
internal sealed class FakeTransport : IClientTransport
{
    private readonly Channel<FakeConnection> _accepted = Channel.CreateUnbounded<FakeConnection>();
    private int _attempts;

    /// <summary>The clock by which connections are idle.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public int Attempts => Volatile.Read(ref _attempts);

    public ConnectRequest? LastRequest { get; private set; }

    /// <summary>Why the next attempts fail; null while they succeed.</summary>
    public ConnectionEnd? Failure { get; set; }

    /// <summary>The server accepts connections, and does not answer.</summary>
    public bool Hangs { get; set; }

    public async ValueTask<ConnectAttempt> ConnectAsync(ConnectRequest request, CancellationToken cancel)
    {
        LastRequest = request;
        Interlocked.Increment(ref _attempts);
        if (Hangs)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (cancel.IsCancellationRequested)
        {
            return new ConnectAttempt(null, new ConnectionEnd(EndKind.TimedOut));
        }

        if (Failure is { } failure)
        {
            return new ConnectAttempt(null, failure);
        }

        FakeConnection connection = new(Time);
        _accepted.Writer.TryWrite(connection);
        return new ConnectAttempt(connection, null);
    }

    /// <summary>The server's side of the next connection.</summary>
    public Task<FakeConnection> AcceptAsync() => _accepted.Reader.ReadAsync().AsTask().Within(what: "a connection");
}
