namespace Weir.Client.Centrifugo;

/// <summary>The settings of a <see cref="ProtocolConnection"/>, as copied from the options.</summary>
internal sealed record ProtocolSettings(
    TimeProvider Time, TimeSpan RequestTimeout, TimeSpan MaxPingDelay, string Name, ReadOnlyMemory<byte> ConnectData);

/// <summary>The settings of a subscription that its subscribe command has, as copied from the options.</summary>
internal readonly record struct SubscribeSettings(ReadOnlyMemory<byte> Data, bool Recoverable, bool JoinLeave);
