using System.Runtime.CompilerServices;
using Weir.Protocol;

namespace Weir.Closing;

/// <summary>The names of causes, and which cause an event has.</summary>
internal static class CloseCauses
{
    /// <summary>Returns the name in metrics and logs.</summary>
    public static string NameOf(CloseCause cause) => cause switch
    {
        CloseCause.ClientClosed => "client_closed",
        CloseCause.ApplicationClosed => "application_closed",
        CloseCause.ApplicationAborted => "application_aborted",
        CloseCause.ProtocolError => "protocol_error",
        CloseCause.MessageTooBig => "message_too_big",
        CloseCause.RateLimited => "rate_limited",
        CloseCause.SlowConsumer => "slow_consumer",
        CloseCause.HeartbeatTimeout => "heartbeat_timeout",
        CloseCause.ConnectTimeout => "connect_timeout",
        CloseCause.HandlerFailed => "handler_failed",
        CloseCause.AccessDenied => "access_denied",
        CloseCause.TokenExpired => "token_expired",
        CloseCause.AccessRevoked => "access_revoked",
        CloseCause.BrokerUnavailable => "broker_unavailable",
        CloseCause.Draining => "draining",
        CloseCause.TransportReset => "transport_reset",
        CloseCause.TransportEnded => "transport_ended",
        CloseCause.TransportFailed => "transport_failed",
        CloseCause.CloseTimeout => "close_timeout",
        _ => throw new ArgumentOutOfRangeException(nameof(cause)),
    };

    public static CloseInitiator InitiatorOf(CloseCause cause) => cause switch
    {
        CloseCause.ClientClosed => CloseInitiator.Client,
        CloseCause.ApplicationClosed or CloseCause.ApplicationAborted or CloseCause.CloseTimeout
            or CloseCause.AccessDenied or CloseCause.TokenExpired or CloseCause.AccessRevoked
            or CloseCause.BrokerUnavailable or CloseCause.Draining => CloseInitiator.Server,
        CloseCause.TransportReset or CloseCause.TransportEnded or CloseCause.TransportFailed => CloseInitiator.Transport,
        _ => CloseInitiator.Engine,
    };

    /// <summary>The cause of a fault in what the client sent, except those of the rate.</summary>
    public static CloseCause Of(ProtocolFault fault)
        => fault.Code == CloseCode.MessageTooBig ? CloseCause.MessageTooBig : CloseCause.ProtocolError;

    /// <summary>The cause of a transport's end.</summary>
    /// <param name="error">Its exception; <c>null</c>: it takes no more data, as after a reset.</param>
    /// <param name="isExpected">Whether transports end with such exceptions.</param>
    public static CloseCause OfTransport(Exception? error, bool isExpected)
        => error is null || isExpected ? CloseCause.TransportReset : CloseCause.TransportFailed;

    /// <summary>Throws unless an application or a protocol may close with this cause.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It describes an event that only the server can observe.</exception>
    public static void ThrowUnlessNameable(CloseCause cause, [CallerArgumentExpression(nameof(cause))] string? name = null)
    {
        if (cause is CloseCause.ClientClosed or CloseCause.ApplicationAborted or >= CloseCause.TransportReset)
        {
            throw new ArgumentOutOfRangeException(name, cause, "A connection cannot be closed with this cause; it is only observed.");
        }
    }
}
