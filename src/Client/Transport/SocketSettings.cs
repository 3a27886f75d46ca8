using System.Net.WebSockets;

namespace Weir.Client.Transport;

/// <summary>The settings of a <see cref="SocketTransport"/>, as copied from the options.</summary>
internal sealed record SocketSettings(Action<ClientWebSocketOptions>? Configure, TimeProvider Time, int MaxMessageBytes);
