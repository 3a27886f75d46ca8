using Weir.Relay;

namespace Weir.Protocols.Centrifugo.Protocol;

/// <summary>
/// One command of a client. One type for the requests of all methods, since their fields have the same names and meanings;
/// fields that a method does not use are ignored.
/// </summary>
internal sealed class ClientCommand
{
    /// <summary>The id that the reply repeats; 0 if the client expects no reply.</summary>
    public uint Id { get; set; }

    public Method Method { get; set; }

    public string Channel { get; set; } = "";

    /// <summary><c>null</c> if the command has no token.</summary>
    public string? Token { get; set; }

    /// <summary>JSON, a slice of the frame: valid while the frame is handled. Empty if the command has none.</summary>
    public ReadOnlyMemory<byte> Data { get; set; }

    /// <summary>The method of an RPC.</summary>
    public string Name { get; set; } = "";

    public bool Recover { get; set; }

    public bool JoinLeave { get; set; }

    public bool Reverse { get; set; }

    public long Offset { get; set; }

    public string Epoch { get; set; } = "";

    public int Limit { get; set; }

    public int Flag { get; set; }

    /// <summary>A position in the history; <c>null</c> if the command names none.</summary>
    public StreamPosition? Since { get; set; }

    /// <summary>The client's positions in its server-side subscriptions; <c>null</c> if it sends none.</summary>
    public Dictionary<string, StreamPosition>? Positions { get; set; }

    /// <summary>The position to recover from; <c>null</c> if no recovery is requested.</summary>
    public StreamPosition? From => Recover ? new StreamPosition(Epoch, Offset) : null;

    /// <summary>Whether a subscription that cannot be recovered is to be rejected.</summary>
    public bool RejectsUnrecovered => (Flag & 2) != 0;
}
