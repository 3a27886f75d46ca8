namespace Weir.Brokers.Nats.Logs;

/// <summary>Announces publications that the server does not store.</summary>
internal interface IUnstoredAnnouncer
{
    /// <summary>Announces a publication without an offset, and completes the operation when the server has taken it.</summary>
    void AnnounceUnstored(LogOperation operation);
}
