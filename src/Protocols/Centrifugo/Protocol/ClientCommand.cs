using Weir.Relay.Brokers;

namespace Weir.Protocols.Centrifugo.Protocol;

/// <summary>One command of a client, a record for each method; the wire form it came in no longer matters.</summary>
/// <param name="Id">The id that the reply repeats; 0 if the client expects no reply.</param>
internal abstract record ClientCommand(uint Id);

/// <summary>The first command of a session.</summary>
/// <param name="Id"><inheritdoc/></param>
/// <param name="Token"><c>null</c> if the client sends none.</param>
/// <param name="Positions">The client's positions in its server-side subscriptions; <c>null</c> if it sends none.</param>
internal sealed record ConnectCommand(uint Id, string? Token, IReadOnlyDictionary<string, StreamPosition>? Positions) : ClientCommand(Id);

/// <param name="Id"><inheritdoc/></param>
/// <param name="Channel">Empty if the client sends none.</param>
/// <param name="Token"><c>null</c> if the client sends none.</param>
/// <param name="From">The position to recover from; <c>null</c> if no recovery is requested.</param>
/// <param name="JoinLeave">Whether the client asks for joins and leaves.</param>
/// <param name="RejectsUnrecovered">Whether a subscription that cannot be recovered is to be rejected.</param>
internal sealed record SubscribeCommand(
    uint Id, string Channel, string? Token, StreamPosition? From, bool JoinLeave, bool RejectsUnrecovered) : ClientCommand(Id);

internal sealed record UnsubscribeCommand(uint Id, string Channel) : ClientCommand(Id);

/// <param name="Id"><inheritdoc/></param>
/// <param name="Channel">Empty if the client sends none.</param>
/// <param name="Data">JSON, a slice of the frame: valid while the frame is handled. Empty if the client sends none.</param>
internal sealed record PublishCommand(uint Id, string Channel, ReadOnlyMemory<byte> Data) : ClientCommand(Id);

internal sealed record PresenceCommand(uint Id, string Channel) : ClientCommand(Id);

internal sealed record PresenceStatsCommand(uint Id, string Channel) : ClientCommand(Id);

/// <param name="Id"><inheritdoc/></param>
/// <param name="Channel">Empty if the client sends none.</param>
/// <param name="Since">A position in the history; <c>null</c>: its beginning, or its end in reverse.</param>
/// <param name="Limit">The most publications; 0: none, only the position. Negative: as many as the server allows.</param>
/// <param name="Reverse">Whether the newest comes first.</param>
internal sealed record HistoryCommand(uint Id, string Channel, StreamPosition? Since, int Limit, bool Reverse) : ClientCommand(Id);

/// <param name="Id"><inheritdoc/></param>
/// <param name="Method">The application's method; may be empty.</param>
/// <param name="Data"><inheritdoc cref="PublishCommand"/></param>
internal sealed record RpcCommand(uint Id, string Method, ReadOnlyMemory<byte> Data) : ClientCommand(Id);

internal sealed record RefreshCommand(uint Id, string? Token) : ClientCommand(Id);

internal sealed record SubRefreshCommand(uint Id, string Channel, string? Token) : ClientCommand(Id);

/// <summary>A message for the application, without a reply.</summary>
internal sealed record SendCommand(uint Id, ReadOnlyMemory<byte> Data) : ClientCommand(Id);

/// <summary>A command without a method; without an id too it answers a ping.</summary>
internal sealed record EmptyCommand(uint Id) : ClientCommand(Id);

/// <summary>A method that the server does not implement.</summary>
internal sealed record UnknownCommand(uint Id) : ClientCommand(Id);

/// <summary>A well-formed message that is not a command: a field of the wrong type, too deep, or not valid Unicode.</summary>
internal sealed record MalformedCommand(uint Id) : ClientCommand(Id);
