using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Weir.Connections;
using Weir.Diagnostics;
using Weir.Limits;
using Weir.Sending;
using Weir.Timing;

namespace Weir.Proxy;

/// <summary>
/// Reads and strips the PROXY protocol header of a connection from a trusted proxy ahead of WeirMiddleware, and gives the
/// connection the addresses it names. Other connections are not read from.
/// </summary>
internal sealed class ProxyMiddleware(
    ConnectionDelegate next, WeirEngine engine, IPNetwork[] trusted, bool trustUnixSockets, TimeSpan timeout)
{
    private RunningTimeouts Timeouts { get; } = new(timeout, engine.Time);

    public Task OnConnectionAsync(ConnectionContext transport) => IsTrusted(transport) ? OnProxyAsync(transport) : next(transport);

    // A Unix socket's peer has no address of its own: the listening end identifies it.
    private bool IsTrusted(ConnectionContext transport)
        => transport.RemoteEndPoint is IPEndPoint remote ? ClientAddress.IsTrusted(remote.Address, trusted)
            : trustUnixSockets && transport.LocalEndPoint is UnixDomainSocketEndPoint;

    // Apart from the reading, so that a connection does not hold the deadline for its whole life.
    private async Task OnProxyAsync(ConnectionContext transport)
    {
        if (await TakeHeaderAsync(transport).ConfigureAwait(false))
        {
            await next(transport).ConfigureAwait(false);
        }
    }

    /// <summary>Returns false if the connection must not continue; it has then been aborted, or had already ended.</summary>
    private async ValueTask<bool> TakeHeaderAsync(ConnectionContext transport)
    {
        using RunningTimeout deadline = new(Timeouts);
        try
        {
            ProxyHeader header = await ReadAsync(transport.Transport.Input, deadline.Token).ConfigureAwait(false);
            if (header.Source is not null)
            {
                transport.RemoteEndPoint = header.Source;
                transport.LocalEndPoint = header.Destination;
            }
            else if (header.Fault is not null)
            {
                ProxyLog.HeaderRefused(engine.Logger, transport.ConnectionId, header.Fault);
                Abort(transport, "proxy_header", "The connection did not begin with a valid PROXY header.");
            }
            else if (!header.IsComplete)
            {
                WeirLog.TransportEnded(engine.Logger, error: null, transport.ConnectionId);
            }

            return header.IsComplete;
        }
        catch (OperationCanceledException) when (deadline.HasElapsed)
        {
            ProxyLog.HeaderTimedOut(engine.Logger, transport.ConnectionId, timeout);
            Abort(transport, "proxy_header_timeout", "The PROXY header took too long.");
        }
        catch (Exception error) when (TransportErrors.IsExpected(error))
        {
            WeirLog.TransportEnded(engine.Logger, error, transport.ConnectionId);
        }

        return false;
    }

    /// <summary>Consumes the header and nothing behind it. Incomplete when the client closed before its first byte.</summary>
    private static async ValueTask<ProxyHeader> ReadAsync(PipeReader input, CancellationToken deadline)
    {
        while (true)
        {
            ReadResult result = await input.ReadAsync(deadline).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = result.Buffer;
            ProxyHeader header = ProxyHeaderReader.Read(buffer);
            if (header.IsComplete)
            {
                // Not examined beyond the header: bytes behind it must wake the next reader immediately.
                input.AdvanceTo(buffer.GetPosition(header.Length));
                return header;
            }

            input.AdvanceTo(buffer.Start, buffer.End);
            if (header.Fault is not null)
            {
                return header;
            }

            if (result.IsCompleted)
            {
                return buffer.IsEmpty ? header : ProxyHeader.Malformed("the connection ended within it");
            }
        }
    }

    private void Abort(ConnectionContext transport, string name, string reason)
    {
        engine.Metrics.Refused(statusCode: 0, name);
        transport.Abort(new ConnectionAbortedException(reason));
    }
}
