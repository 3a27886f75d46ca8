using System.Text.Encodings.Web;
using System.Text.Json;

namespace Weir.Protocols.Centrifugo.Protocol.Json;

/// <summary>The protocol as JSON, subprotocol <c>centrifuge-json</c>: commands, replies and pushes are objects, a line each.</summary>
internal sealed class JsonForm : WireForm
{
    private static readonly byte[] _ping = "{}"u8.ToArray();

    private JsonForm()
    {
    }

    public static JsonForm Instance { get; } = new();

    /// <summary>Gets how text is escaped: it is read by JSON parsers, never put into markup.</summary>
    public static JavaScriptEncoder Escaping => JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    public override ReadOnlyMemory<byte> Ping => _ping;

    public override bool TryReadCommand(ref ReadOnlyMemory<byte> rest, out ClientCommand? command)
    {
        CommandReader reader = new(rest);
        bool isWellFormed = reader.TryRead(out command);
        rest = reader.Rest;
        return isWellFormed;
    }

    public override ReplyBatch RentBatch() => JsonReplyBatch.Rent();

    public override ChannelName Encode(string channel)
        => new((byte[])[(byte)'"', .. JsonEncodedText.Encode(channel, Escaping).EncodedUtf8Bytes, (byte)'"']);
}
