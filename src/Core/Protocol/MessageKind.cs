namespace Weir.Protocol;

/// <summary>The two kinds of data message (RFC 6455 section 5.6).</summary>
public enum MessageKind : byte
{
    /// <summary>
    /// UTF-8 text. Received text has been validated; text to be sent must be valid UTF-8, or the peer fails the connection.
    /// </summary>
    Text = 1,

    /// <summary>Bytes with a meaning defined by the application.</summary>
    Binary = 2,
}
