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
    public static byte[] Disconnect(StreamForm form, WireForm wire, DisconnectReason why)
    {
        ReplyBatch batch = wire.RentBatch();
        batch.AddDisconnectPush(why);
        byte[] formatted = Format(form, batch.Message.Span);
        batch.Return();
        return formatted;
    }
}
