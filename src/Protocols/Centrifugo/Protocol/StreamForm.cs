using System.Text.Json;

namespace Weir.Protocols.Centrifugo.Protocol;

/// <summary>How messages are delimited in a response stream.</summary>
internal enum StreamForm
{
    /// <summary>Server-Sent Events.</summary>
    Events,

    /// <summary>One message per line.</summary>
    Lines,
}

/// <summary>Formats messages for a stream.</summary>
internal static class StreamForms
{
    private static readonly byte[] _events = Format(StreamForm.Events, "{}"u8);
    private static readonly byte[] _lines = Format(StreamForm.Lines, "{}"u8);

    /// <summary>The protocol's ping.</summary>
    public static byte[] Ping(StreamForm form) => form == StreamForm.Events ? _events : _lines;

    /// <param name="form">The form.</param>
    /// <param name="lines">One or more messages, a line each.</param>
    public static byte[] Format(StreamForm form, ReadOnlySpan<byte> lines)
    {
        if (form == StreamForm.Lines)
        {
            return [.. lines, (byte)'\n'];
        }

        ReadOnlySpan<byte> field = "data: "u8;
        byte[] formatted = new byte[lines.Length + ((lines.Count((byte)'\n') + 1) * field.Length) + 2];
        int at = 0;
        foreach (Range line in lines.Split((byte)'\n'))
        {
            field.CopyTo(formatted.AsSpan(at));
            lines[line].CopyTo(formatted.AsSpan(at + field.Length));
            at += field.Length + lines[line].Length;
            formatted[at++] = (byte)'\n';
        }

        formatted[at] = (byte)'\n';
        return formatted;
    }

    /// <summary>Formats the last message of a stream, which carries the code and reason of a close frame.</summary>
    public static byte[] RejectWithClose(StreamForm form, DisconnectReason why)
    {
        ReplyBatch batch = ReplyBatch.Rent();
        Utf8JsonWriter json = batch.BeginLine();
        json.WriteStartObject("push"u8);
        json.WriteStartObject("disconnect"u8);
        json.WriteNumber("code"u8, (int)why.Code);
        json.WriteString("reason"u8, why.Reason);
        json.WriteEndObject();
        json.WriteEndObject();
        batch.EndLine();
        byte[] formatted = Format(form, batch.Lines.Span);
        batch.Return();
        return formatted;
    }
}
