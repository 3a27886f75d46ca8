namespace Weir.Client.Centrifugo;

/// <summary>One object of a frame: the answer to a command, a push, or a ping, which has neither.</summary>
internal readonly record struct Reply(uint Id, ReplyError? Error, ReadOnlyMemory<byte> Result, ReadOnlyMemory<byte> Push)
{
    public bool IsPing => Id == 0 && Push.IsEmpty;
}

/// <summary>Why a command was refused.</summary>
internal sealed record ReplyError(int Code, string Message, bool IsTemporary);

/// <summary>What a connect or a refresh brings.</summary>
internal sealed record ConnectResult(string Client, TimeSpan Ping, bool Pong, bool Expires, TimeSpan TimeToLive)
{
    /// <summary>The channels that the server has subscribed the connection to.</summary>
    public IReadOnlyDictionary<string, SubscribeResult> Channels { get; init; } = new Dictionary<string, SubscribeResult>();
}

/// <summary>What a subscribe brings.</summary>
internal sealed record SubscribeResult
{
    public bool Recoverable { get; init; }

    public bool WasRecovering { get; init; }

    public bool Recovered { get; init; }

    /// <summary>Null if the channel has no positions.</summary>
    public StreamPosition? Position { get; init; }

    public IReadOnlyList<Publication> Publications { get; init; } = [];

    public bool Expires { get; init; }

    public TimeSpan TimeToLive { get; init; }
}

/// <summary>What a push is about.</summary>
internal enum PushKind
{
    /// <summary>Something that this client does not know.</summary>
    Other,
    Publication,
    Join,
    Leave,
    Subscribe,
    Unsubscribe,
    Message,
}

/// <summary>A push.</summary>
internal sealed record Push(PushKind Kind, string Channel)
{
    public Publication? Publication { get; init; }

    public SubscribeResult? Subscribe { get; init; }

    public ClientInfo? Info { get; init; }

    public int Code { get; init; }

    public string Reason { get; init; } = "";

    public ReadOnlyMemory<byte> Data { get; init; }
}
