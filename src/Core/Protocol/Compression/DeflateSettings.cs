namespace Weir.Protocol.Compression;

/// <summary>How an endpoint compresses; an immutable copy of the options that the application set.</summary>
/// <param name="Enabled">Whether offers of permessage-deflate are accepted.</param>
/// <param name="ServerMaxWindowBits">The largest window for messages to clients, 9 to 15.</param>
/// <param name="ClientMaxWindowBits">The largest window for messages from clients that can be limited, 9 to 15.</param>
/// <param name="ServerContextTakeover">Whether a message to a client may refer to earlier ones.</param>
/// <param name="ClientContextTakeover">Whether a message from a client may refer to earlier ones.</param>
/// <param name="MinimumBytes">Messages below this size are sent uncompressed.</param>
/// <param name="Level">zlib's compression level, 1 to 9.</param>
internal sealed record DeflateSettings(
    bool Enabled,
    int ServerMaxWindowBits,
    int ClientMaxWindowBits,
    bool ServerContextTakeover,
    bool ClientContextTakeover,
    int MinimumBytes,
    int Level);
