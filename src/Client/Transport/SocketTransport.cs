using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using Weir.Client.Events;

namespace Weir.Client.Transport;

/// <summary>Creates connections with .NET's own WebSocket.</summary>
internal sealed class SocketTransport(SocketSettings settings) : IClientTransport
{
    private readonly Action<ClientWebSocketOptions>? _configure = settings.Configure;
    private readonly TimeProvider _time = settings.Time;
    private readonly int _maxMessageBytes = settings.MaxMessageBytes;

    // The longest value that the socket accepts: its own timeout for Pongs, which closes the connection even if the Pong is unread
    // in the socket, must not fire. RunningTimeout detects dead connections.
    private static readonly TimeSpan _neverInTheSocket = TimeSpan.FromMilliseconds(int.MaxValue);

    public async ValueTask<ConnectAttempt> ConnectAsync(ConnectRequest request, CancellationToken cancel)
    {
        ClientWebSocket socket = new();
        try
        {
            IWebProxy? systemProxy = socket.Options.Proxy;
            Configure(socket.Options, request);
            WatchedStream? stream = null;
            using SocketsHttpHandler handler = ConnectionHandler.Make(socket.Options, systemProxy, _time, connected => stream = connected);
            using HttpMessageInvoker invoker = new(handler);
            await socket.ConnectAsync(request.Address, invoker, cancel); // the handler may be disposed once connected
            return new ConnectAttempt(new SocketConnection(socket, stream!, _maxMessageBytes, _time), null);
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException)
        {
            using (socket)
            {
                return new ConnectAttempt(null, EndOf(socket, error, cancel));
            }
        }
        catch
        {
            socket.Dispose();
            throw; // an exception of the application's callback, or an invalid address
        }
    }

    private void Configure(ClientWebSocketOptions socket, ConnectRequest request)
    {
        socket.CollectHttpResponseDetails = true; // for the status and Retry-After
        socket.KeepAliveInterval = PingTimes.KeepAliveInterval(request.PingInterval);
        socket.KeepAliveTimeout = _neverInTheSocket;
        if (request.Subprotocol is { } subprotocol)
        {
            socket.AddSubProtocol(subprotocol);
        }

        if (request.Token is { } token)
        {
            socket.SetRequestHeader("Authorization", $"Bearer {token}");
        }

        _configure?.Invoke(socket);
    }

    private ConnectionEnd EndOf(ClientWebSocket socket, Exception error, CancellationToken cancel)
    {
        int status = (int)socket.HttpStatusCode;
        if (status is not (0 or 101))
        {
            return new ConnectionEnd(EndKind.Refused) { HttpStatus = status, RetryAfter = RetryAfterOf(socket), Error = error };
        }

        EndKind kind = cancel.IsCancellationRequested ? EndKind.TimedOut
            : Has<AuthenticationException>(error) ? EndKind.TlsFailed
            : status == 101 ? EndKind.ProtocolError
            : Has<SocketException>(error) || Has<HttpRequestException>(error) ? EndKind.Unreachable
            : EndKind.ProtocolError;
        return new ConnectionEnd(kind) { Reason = Innermost(error).Message, Error = error };
    }

    private TimeSpan? RetryAfterOf(ClientWebSocket socket)
    {
        foreach ((string name, IEnumerable<string> values) in socket.HttpResponseHeaders ?? new Dictionary<string, IEnumerable<string>>())
        {
            if (name.Equals("Retry-After", StringComparison.OrdinalIgnoreCase) && values.FirstOrDefault() is { } value)
            {
                return RetryAfter.Read(value, _time.GetUtcNow());
            }
        }

        return null;
    }

    private static bool Has<T>(Exception? error)
        where T : Exception
    {
        while (error is not (null or T))
        {
            error = error.InnerException;
        }

        return error is not null;
    }

    private static Exception Innermost(Exception error) => error.InnerException is { } inner ? Innermost(inner) : error;
}
