namespace Weir.Client;

/// <summary>What a client does whose user reads more slowly than the server sends.</summary>
public enum WhenInboxFull
{
    /// <summary>
    /// It stops reading. TCP slows the server down, and the server closes a connection that is too slow for too long (1009). Pings are
    /// not answered meanwhile either, so a user who takes nothing for longer than Ping interval and time-out loses the connection, but
    /// nothing that has come. A client that only sends, and whose messages nobody takes, ends like that too: let it drop them.
    /// </summary>
    Wait,

    /// <summary>What has waited longest is dropped, without a word.</summary>
    DropOldest,
}
