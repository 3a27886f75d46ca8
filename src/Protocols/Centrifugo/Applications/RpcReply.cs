using Weir.Protocols.Centrifugo.Protocol;

namespace Weir.Protocols.Centrifugo.Applications;

/// <summary>The reply to an RPC: data, or an error.</summary>
public readonly struct RpcReply
{
    private RpcReply(ReadOnlyMemory<byte> data, ReplyError? error)
    {
        Data = data;
        Error = error;
    }

    /// <summary>Gets the reply to an unknown method: error 104.</summary>
    public static RpcReply MethodNotFound => new(default, ReplyError.MethodNotFound);

    internal ReadOnlyMemory<byte> Data { get; }

    internal ReplyError? Error { get; }

    /// <summary>Creates a reply with data.</summary>
    /// <param name="json">JSON, not to be modified afterwards; empty if the reply has no data.</param>
    public static RpcReply Of(ReadOnlyMemory<byte> json) => new(json, error: null);

    /// <summary>Creates a reply with an error.</summary>
    /// <param name="code">400 to 1999.</param>
    /// <param name="message">A short text.</param>
    /// <param name="isTemporary">Whether the client may retry.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code is not in the application's range.</exception>
    public static RpcReply Fail(int code, string message, bool isTemporary = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(code, 400);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(code, 1999);
        ArgumentNullException.ThrowIfNull(message);
        return new RpcReply(default, new ReplyError(code, message, isTemporary));
    }
}
