using NATS.Client.Core;
using Weir.Timing;

namespace Weir.Brokers.Nats.Connection;

/// <summary>The common settings of all sessions of a broker.</summary>
/// <param name="OptionsFor">Returns the library's options for a connection to one of these servers.</param>
/// <param name="Replies">The beginning of the subjects of replies to this node.</param>
/// <param name="RequestTimeout">The timeout of a request.</param>
/// <param name="Timeouts">The timeouts of requests that run.</param>
internal sealed record SessionSettings(
    Func<IReadOnlyList<string>, NatsOpts> OptionsFor, string Replies, TimeSpan RequestTimeout, RunningTimeouts Timeouts);
