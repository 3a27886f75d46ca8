using Weir.Client.Events;

namespace Weir.Client.Centrifugo;

/// <summary>One object of a frame: the reply to a command, a push, or a ping, which is neither.</summary>
internal readonly record struct Reply(uint Id, CommandError? Error, ReadOnlyMemory<byte> Result, ReadOnlyMemory<byte> Push)
{
    public bool IsPing => Id == 0 && Push.IsEmpty;
}

/// <summary>The error of a refused command.</summary>
internal sealed record CommandError(int Code, string Message, bool IsTemporary)
{
    private const int Internal = 100;

    /// <summary>
    /// Whether the command may have been executed: a server that fails, as when its broker does not answer, reports an internal error,
    /// whether or not a publication was stored.
    /// </summary>
    public bool MayHaveBeenExecuted => Code == Internal;
}

/// <summary>The result of a connect or a refresh.</summary>
internal sealed record ConnectReply(string Client, TimeSpan Ping, bool Pong, bool Expires, TimeSpan TimeToLive)
{
    /// <summary>The channels that the server has subscribed the connection to.</summary>
    public IReadOnlyDictionary<string, SubscribeResult> Channels { get; init; } = new Dictionary<string, SubscribeResult>();
}

/// <summary>The result of a subscribe.</summary>
internal sealed record SubscribeResult
{
    public bool Recoverable { get; init; }

    public bool WasRecovering { get; init; }

    public bool Recovered { get; init; }

    /// <summary><c>null</c> if the channel has no positions.</summary>
    public ClientStreamPosition? Position { get; init; }

    public IReadOnlyList<ClientPublication> Publications { get; init; } = [];

    public bool Expires { get; init; }

    public TimeSpan TimeToLive { get; init; }
}

/// <summary>The kind of a push.</summary>
internal enum PushKind
{
    /// <summary>A kind that this client does not support.</summary>
    Other,
    Publication,
    Join,
    Leave,
    Subscribe,
    Unsubscribe,
    Message,
}

/// <summary>A push.</summary>
internal sealed record ServerPush(PushKind Kind, string Channel)
{
    public ClientPublication? Publication { get; init; }

    public SubscribeResult? Subscribe { get; init; }

    public ClientInfo? Info { get; init; }

    public int Code { get; init; }

    public string Reason { get; init; } = "";

    public ReadOnlyMemory<byte> Data { get; init; }
}
