using Weir.Brokers.Nats.Streams;

namespace Weir.Brokers.Nats.Writing;

/// <summary>What the writers of all subjects have in common.</summary>
internal interface IWriterContext
{
    /// <summary>Gets the storage; <c>null</c> if there is no connection, or JetStream does not store now.</summary>
    Storage? Storage { get; }

    /// <summary>Gets why nothing may be stored now, though the history can be read; <c>null</c>: it may.</summary>
    string? Refusal { get; }

    /// <summary>
    /// Whether messages may be announced that are not stored: there is a connection, and the server has said that it does not store.
    /// </summary>
    bool CanAnnounce { get; }

    /// <summary>The largest message that the server takes, in bytes.</summary>
    int MaxPayload { get; }

    /// <summary>A write was refused because another node's came first.</summary>
    void OnConflict();

    /// <summary>The server does not store.</summary>
    void OnRefused(string reason);

    /// <summary>An exception that is a fault of the broker, or a message that cannot be read.</summary>
    void OnUnreadable(string subject, Exception error);
}
