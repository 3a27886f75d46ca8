using Weir.Centrifugo.Protocol;

namespace Weir.Centrifugo;

/// <summary>The answer to an RPC: data, or an error.</summary>
public readonly struct RpcReply
{
    private RpcReply(ReadOnlyMemory<byte> data, ReplyError? error)
    {
        Data = data;
        Error = error;
    }

    /// <summary>There is no such method: error 104.</summary>
    public static RpcReply MethodNotFound => new(default, ReplyError.MethodNotFound);

    internal ReadOnlyMemory<byte> Data { get; }

    internal ReplyError? Error { get; }

    /// <summary>Answers with data.</summary>
    /// <param name="json">JSON, not to be touched any more; empty: the answer has no data.</param>
    public static RpcReply Of(ReadOnlyMemory<byte> json) => new(json, error: null);

    /// <summary>Answers with an error.</summary>
    /// <param name="code">400 to 1999.</param>
    /// <param name="message">A few words.</param>
    /// <param name="isTemporary">The client may try again.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code is not an application's.</exception>
    public static RpcReply Fail(int code, string message, bool isTemporary = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(code, 400);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(code, 1999);
        ArgumentNullException.ThrowIfNull(message);
        return new RpcReply(default, new ReplyError(code, message, isTemporary));
    }
}
