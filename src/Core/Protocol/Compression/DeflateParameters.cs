namespace Weir.Protocol.Compression;

/// <summary>The negotiated parameters of a handshake (RFC 7692 7.1): how each side deflates.</summary>
/// <param name="ServerMaxWindowBits">The window to deflate with, 9 to 15.</param>
/// <param name="ServerNoContextTakeover">Each of the server's messages decodes alone.</param>
/// <param name="ClientMaxWindowBits">The window to inflate with, 9 to 15: never below what the client may use.</param>
/// <param name="ClientNoContextTakeover">Each of the client's messages decodes alone.</param>
internal readonly record struct DeflateParameters(
    int ServerMaxWindowBits,
    bool ServerNoContextTakeover,
    int ClientMaxWindowBits,
    bool ClientNoContextTakeover);
