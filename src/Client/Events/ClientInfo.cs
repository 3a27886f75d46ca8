namespace Weir.Client.Events;

/// <summary>A client as it is shown to other clients.</summary>
/// <param name="Client">The id of the connection.</param>
/// <param name="User">The user; empty if anonymous.</param>
/// <param name="ConnectionInfo">JSON of the connection; empty if there is none.</param>
/// <param name="ChannelInfo">JSON of the subscription; empty if there is none.</param>
public sealed record ClientInfo(string Client, string User, ReadOnlyMemory<byte> ConnectionInfo, ReadOnlyMemory<byte> ChannelInfo);
