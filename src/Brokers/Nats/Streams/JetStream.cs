using System.Text;
using System.Text.Json;
using NATS.Client.Core;
using Weir.Brokers.Nats.Connection;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Streams;

/// <summary>JetStream's requests, over one session. Thread-safe.</summary>
/// <remarks>
/// The library's own wait without limit, and its ordered consumers deliver other rooms' messages on nats-server 2.9. These are the few
/// requests that the broker needs, with its own timeout.
/// </remarks>
internal sealed class JetStream(Session session)
{
    private const string NotFound = "no message found";

    public Session Session => session;

    /// <summary>
    /// Stores a message if the last one of its subject has the sequence number <paramref name="expected"/>; 0: if there is none.
    /// </summary>
    /// <remarks>
    /// The leader of a replicated stream compares the number before it proposes the message, so that several may pass
    /// (findings/nats-server-cluster-takes-two-writes-of-one-expectation.sh). When a proposal is applied only the message id is
    /// compared: so the id names what the message follows, and all but the first of those that follow the same are duplicates.
    /// </remarks>
    /// <exception cref="BrokerUnavailableException">There was no reply.</exception>
    public async Task<StoreResult> StoreAsync(StreamState stream, string subject, ReadOnlyMemory<byte> body, ulong expected)
    {
        string number = expected.ToString(System.Globalization.CultureInfo.InvariantCulture);
        NatsHeaders headers = new() { ["Nats-Expected-Last-Subject-Sequence"] = number };
        if (stream.IsReplicated && expected != 0) // that there is none is compared when it is applied
        {
            headers["Nats-Msg-Id"] = $"{subject} {number}";
        }

        return StoreResult.Of(await session.RequestAsync(subject, body, headers));
    }

    /// <summary>Stores a message behind any other.</summary>
    /// <exception cref="BrokerUnavailableException">There was no reply.</exception>
    public async Task<StoreResult> StoreAsync(string subject, ReadOnlyMemory<byte> body)
        => StoreResult.Of(await session.RequestAsync(subject, body));

    /// <summary>Reads the last message of a subject; <c>null</c> if there is none.</summary>
    /// <exception cref="BrokerUnavailableException">There was no reply, or the server refused.</exception>
    public Task<StoredMessage?> ReadLastAsync(StreamState stream, string subject)
        => ReadAsync(stream, $$"""{"last_by_subj":"{{subject}}"}""", stream.IsReplicated);

    /// <summary>Reads a message by its number; <c>null</c> if it is not stored any more.</summary>
    /// <exception cref="BrokerUnavailableException">There was no reply, or the server refused.</exception>
    public async Task<StoredMessage?> ReadAsync(StreamState stream, ulong sequence)
    {
        string request = $$"""{"seq":{{sequence}}}""";
        // A message never changes, so any replica may answer; one that is behind does not have it yet.
        return await ReadAsync(stream, request, fromLeader: false)
            ?? (stream.IsReplicated ? await ReadAsync(stream, request, fromLeader: true) : null);
    }

    /// <summary>Sends a request of the API.</summary>
    /// <exception cref="BrokerUnavailableException">There was no reply.</exception>
    public async Task<JsonElement> AskAsync(string operation, ReadOnlyMemory<byte> body)
    {
        Reply reply = await session.RequestAsync("$JS.API." + operation, body);
        if (reply.Status == 503)
        {
            throw new BrokerUnavailableException("JetStream is not enabled for this account.", isUnknown: false);
        }

        using JsonDocument document = JsonDocument.Parse(reply.Payload);
        return document.RootElement.Clone();
    }

    /// <summary>The error of a reply of the API; <c>null</c> if it is none.</summary>
    public static (int Code, string Text)? ErrorOf(JsonElement reply)
        => reply.TryGetProperty("error", out JsonElement error)
            ? (error.TryGetProperty("err_code", out JsonElement code) ? code.GetInt32() : 0,
                error.TryGetProperty("description", out JsonElement text) ? text.GetString()! : "without a description")
            : null;

    private async Task<StoredMessage?> ReadAsync(StreamState stream, string request, bool fromLeader)
    {
        byte[] body = Encoding.UTF8.GetBytes(request);
        if (fromLeader)
        {
            return OfApi(await AskAsync("STREAM.MSG.GET." + stream.Name, body));
        }

        Reply reply = await session.RequestAsync("$JS.API.DIRECT.GET." + stream.Name, body);
        return reply.Status switch
        {
            0 => new StoredMessage(reply.Sequence, reply.StoredAt, reply.Payload),
            404 => null,
            int status => throw new BrokerUnavailableException(
                $"NATS refused to read from the stream {stream.Name} with {status}.", isUnknown: false),
        };
    }

    private static StoredMessage? OfApi(JsonElement reply)
    {
        if (ErrorOf(reply) is { } error)
        {
            return error.Text.Equals(NotFound, StringComparison.OrdinalIgnoreCase)
                ? null
                : throw new BrokerUnavailableException($"NATS refused to read: {error.Text}.", isUnknown: false);
        }

        JsonElement message = reply.GetProperty("message");
        return new StoredMessage(
            message.GetProperty("seq").GetUInt64(),
            Reply.ReadTime(message.GetProperty("time").GetString()!),
            message.TryGetProperty("data", out JsonElement data) ? data.GetBytesFromBase64() : []);
    }
}
