using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Weir.Extensions.Tests.LoopTransport;

/// <summary>
/// A transport inside the process whose connections one thread of its own serves: the example of docs/guides/write-a-transport.md.
/// </summary>
internal sealed class MemoryTransport : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    private readonly MemoryLoop _loop = new();
    private readonly ConcurrentDictionary<string, Listener> _listeners = new(StringComparer.Ordinal);
    private int _connections;

    public Exception? Failure => _loop.Failure;

    public bool CanBind(EndPoint endpoint) => endpoint is MemoryEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        MemoryEndPoint address = (MemoryEndPoint)endpoint;
        Listener listener = new(this, address);
        return _listeners.TryAdd(address.Name, listener)
            ? new ValueTask<IConnectionListener>(listener)
            : throw new AddressInUseException($"{address.Name} is in use.");
    }

    /// <summary>Connects a client.</summary>
    /// <param name="name">The name of the address.</param>
    /// <param name="server">The server's end, for tests.</param>
    /// <exception cref="IOException">No server listens there.</exception>
    public Stream Connect(string name, out MemoryConnection server)
    {
        if (!_listeners.TryGetValue(name, out Listener? listener))
        {
            throw new IOException($"No server listens on {name}.");
        }

        server = new MemoryConnection(_loop, listener.Address, Interlocked.Increment(ref _connections));
        return listener.TryAdd(server) ? new MemoryClientStream(server) : throw new IOException($"The server on {name} is closing.");
    }

    public void Dispose() => _loop.Dispose();

    private sealed class Listener(MemoryTransport transport, MemoryEndPoint address) : IConnectionListener
    {
        private readonly Channel<ConnectionContext> _backlog = Channel.CreateUnbounded<ConnectionContext>();

        public MemoryEndPoint Address => address;

        public EndPoint EndPoint => address;

        public bool TryAdd(ConnectionContext connection) => _backlog.Writer.TryWrite(connection);

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
            => await _backlog.Reader.WaitToReadAsync(cancellationToken) && _backlog.Reader.TryRead(out ConnectionContext? next)
                ? next
                : null;

        // Connections in the backlog are accepted before the accept loop ends.
        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            transport._listeners.TryRemove(address.Name, out _);
            _backlog.Writer.TryComplete();
            return default;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}
