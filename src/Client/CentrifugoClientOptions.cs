using Weir.Client.Sending;
using Weir.Client.Validation;

namespace Weir.Client;

/// <summary>Settings of a <see cref="CentrifugoClient"/>. Values are read when the client is created.</summary>
public sealed class CentrifugoClientOptions : ClientOptions
{
    /// <summary>
    /// The longest wait for the reply to a command. Default 5 s; infinite: until the connection ends. After it a publish is
    /// <see cref="Delivery.Unknown"/>, and an unanswered subscribe ends the connection. Time during which this process was paused
    /// does not count.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public TimeSpan RequestTimeout { get; set => field = Check.Limit(value); } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The longest delay of the server's ping beyond its announced interval before the connection counts as dead. Default 10 s, as
    /// in the official clients; infinite: it never does. If the server sends no pings, only commands detect a dead connection. Any
    /// data received counts, even unread in the socket; time during which this process was paused does not.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public TimeSpan MaxPingDelay { get; set => field = Check.Limit(value); } = TimeSpan.FromSeconds(10);

    /// <summary>The client's name. Default <c>weir-dotnet</c>.</summary>
    public string Name { get; set; } = "weir-dotnet";

    /// <summary>JSON sent with the connect command; empty for none.</summary>
    public ReadOnlyMemory<byte> ConnectData { get; set; }

    /// <summary>
    /// The maximum number of events that wait for <see cref="CentrifugoClient.ReadAllAsync"/>; beyond it the oldest is dropped.
    /// Default 1,000.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public int InboxCapacity { get; set => field = Check.Positive(value); } = 1000;
}
