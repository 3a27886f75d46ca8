using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Weir.Protocols.Centrifugo.Protocol;

/// <summary>
/// Replies and pushes that are sent in one frame, a line each. Rented only while there are any, so that an idle client holds no buffer.
/// </summary>
internal sealed class ReplyBatch
{
    // Larger buffers, of a long history, are left to the garbage collector.
    private const int MaxKeptBytes = 64 * 1024;

    [ThreadStatic]
    private static ReplyBatch? _spare;

    private readonly ArrayBufferWriter<byte> _bytes = new(1024);

    private ReplyBatch() => Json = new Utf8JsonWriter(_bytes, new JsonWriterOptions
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // read by JSON parsers, never put into markup
        SkipValidation = true,
    });

    /// <summary>Gets the writer of the current line.</summary>
    public Utf8JsonWriter Json { get; }

    /// <summary>Gets the lines, without a line end after the last.</summary>
    public ReadOnlyMemory<byte> Lines => _bytes.WrittenMemory;

    public static ReplyBatch Rent()
    {
        ReplyBatch batch = _spare ?? new ReplyBatch();
        _spare = null;
        return batch;
    }

    public void Return()
    {
        if (_bytes.Capacity <= MaxKeptBytes)
        {
            _bytes.ResetWrittenCount();
            _spare = this;
        }
    }

    /// <summary>Begins a line; <see cref="EndLine"/> must follow.</summary>
    public Utf8JsonWriter BeginLine()
    {
        if (_bytes.WrittenCount > 0)
        {
            _bytes.Write("\n"u8);
        }

        Json.Reset();
        Json.WriteStartObject();
        return Json;
    }

    public void EndLine()
    {
        Json.WriteEndObject();
        Json.Flush();
    }

    /// <summary>Begins the reply to a command; <see cref="EndLine"/> must follow.</summary>
    public Utf8JsonWriter BeginReply(uint id)
    {
        Utf8JsonWriter json = BeginLine();
        json.WriteNumber("id", id);
        return json;
    }

    public void AddError(uint id, ReplyError error)
    {
        Utf8JsonWriter json = BeginReply(id);
        json.WriteStartObject("error");
        json.WriteNumber("code", error.Code);
        json.WriteString("message", error.Message);
        if (error.IsTemporary)
        {
            json.WriteBoolean("temporary", true);
        }

        json.WriteEndObject();
        EndLine();
    }

    /// <summary>Adds a reply with an empty result.</summary>
    public void AddEmpty(uint id, ReadOnlySpan<byte> method)
    {
        Utf8JsonWriter json = BeginReply(id);
        json.WriteStartObject(method);
        json.WriteEndObject();
        EndLine();
    }
}
