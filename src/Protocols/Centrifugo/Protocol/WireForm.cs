namespace Weir.Protocols.Centrifugo.Protocol;

/// <summary>
/// One encoding of the protocol: it decodes commands and encodes replies and pushes, and decides nothing. Thread-safe.
/// </summary>
internal abstract class WireForm
{
    /// <summary>Gets the server's ping, which is also the client's answer to it.</summary>
    public abstract ReadOnlyMemory<byte> Ping { get; }

    /// <summary>Decodes the next command of a frame.</summary>
    /// <param name="rest">The frame from that command on; after the call, what follows it.</param>
    /// <param name="command">The command, with slices of the frame; <c>null</c> at its end.</param>
    /// <returns><c>false</c> if the frame is malformed from here on.</returns>
    public abstract bool TryReadCommand(ref ReadOnlyMemory<byte> rest, out ClientCommand? command);

    /// <summary>Rents an empty batch; <see cref="ReplyBatch.Return"/> must follow.</summary>
    public abstract ReplyBatch RentBatch();

    /// <summary>Encodes the name of a channel, for pushes.</summary>
    public abstract ChannelName Encode(string channel);
}

/// <summary>The name of a channel in one wire form, encoded once for all its pushes.</summary>
/// <param name="Encoded">The bytes as they appear in a push.</param>
internal readonly record struct ChannelName(ReadOnlyMemory<byte> Encoded);
