namespace Weir;

/// <summary>The two kinds of data message (RFC 6455 section 5.6).</summary>
public enum MessageKind : byte
{
    /// <summary>UTF-8 text. Received text has been checked; text to be sent must be valid UTF-8, the peer will fail it otherwise.</summary>
    Text = 1,

    /// <summary>Bytes whose meaning is up to the application.</summary>
    Binary = 2,
}
