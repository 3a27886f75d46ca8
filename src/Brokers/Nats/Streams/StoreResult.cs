using System.Text.Json;
using Weir.Brokers.Nats.Connection;

namespace Weir.Brokers.Nats.Streams;

/// <summary>A server's answer to a message that is to be stored.</summary>
/// <param name="Kind">What the server did.</param>
/// <param name="Sequence">The message's number in the stream, if it is stored.</param>
/// <param name="Reason">Why it is not stored; empty if it is.</param>
internal readonly record struct StoreResult(StoreResultKind Kind, ulong Sequence, string Reason)
{
    // The last two come from newer servers, which compare with the proposals that are under way as well.
    private static readonly int[] _conflicts = [10071, 10158, 10164];

    public static StoreResult Of(Reply reply)
    {
        if (reply.Status != 0)
        {
            return reply.Status == 503
                ? new(StoreResultKind.NoStream, 0, "no stream takes it")
                : new(StoreResultKind.Refused, 0, $"status {reply.Status}");
        }

        ulong sequence = 0;
        int code = 0;
        string reason = "";
        bool isDuplicate = false;
        Utf8JsonReader reader = new(reply.Payload);
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName)
            {
                continue;
            }

            if (reader.ValueTextEquals("seq"u8))
            {
                reader.Read();
                sequence = reader.GetUInt64();
            }
            else if (reader.ValueTextEquals("err_code"u8))
            {
                reader.Read();
                code = reader.GetInt32();
            }
            else if (reader.ValueTextEquals("duplicate"u8))
            {
                reader.Read();
                isDuplicate = reader.GetBoolean();
            }
            else if (reader.ValueTextEquals("description"u8))
            {
                reader.Read();
                reason = reader.GetString() ?? "";
            }
        }

        return isDuplicate || _conflicts.Contains(code) ? new(StoreResultKind.Conflict, 0, reason)
            : code != 0 || reason.Length > 0 || sequence == 0 ? new(StoreResultKind.Refused, 0, reason.Length > 0 ? reason : $"error {code}")
            : new(StoreResultKind.Stored, sequence, "");
    }
}

/// <summary>What a server did with a message.</summary>
internal enum StoreResultKind
{
    /// <summary>It is stored.</summary>
    Stored,

    /// <summary>It is not stored: another message has become the subject's last.</summary>
    Conflict,

    /// <summary>It is not stored: the stream is gone, or JetStream is not enabled.</summary>
    NoStream,

    /// <summary>It is not stored, for another reason.</summary>
    Refused,
}
