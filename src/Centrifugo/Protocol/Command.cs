using Weir.Relay;

namespace Weir.Centrifugo.Protocol;

/// <summary>
/// One command of a client. The requests of all methods in one, since their fields have the same names and meanings; what a
/// method has no use for is passed over.
/// </summary>
internal sealed class Command
{
    /// <summary>The client's number for it, by which it knows the reply; 0: none, and no reply is expected.</summary>
    public uint Id { get; set; }

    public Method Method { get; set; }

    public string Channel { get; set; } = "";

    /// <summary>Null: none was brought.</summary>
    public string? Token { get; set; }

    /// <summary>JSON, a piece of the frame: valid while the frame is handled. Empty: none.</summary>
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

    /// <summary>A place in the history; null: none was named.</summary>
    public StreamPosition? Since { get; set; }

    /// <summary>Where the client was in channels that the server put it into; null: it names none.</summary>
    public Dictionary<string, StreamPosition>? Positions { get; set; }

    /// <summary>The place to recover from; null: nothing is to be recovered.</summary>
    public StreamPosition? From => Recover ? new StreamPosition(Epoch, Offset) : null;

    /// <summary>A client that cannot make up for what is missing wants no subscription then.</summary>
    public bool RejectsUnrecovered => (Flag & 2) != 0;
}
