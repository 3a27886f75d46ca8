using Weir.Closing;
using Weir.Handshake;

namespace Weir.Connections;

/// <summary>
/// What an application does with its connections. One instance serves every connection of the endpoints it is given to,
/// so it must be thread-safe; state of one connection belongs into <see cref="WeirConnection.State"/>.
/// </summary>
/// <remarks>
/// <para>For one connection the calls never overlap: upgrade, opened, messages in their order, closed. While a call has
/// not completed the connection's next bytes are not read, which slows down only its sender.</para>
/// <para>Complete synchronously where you can: that is the fast path, and sends made in it share one flush. A call must
/// not block its thread.</para>
/// <para>An exception closes that one connection with 1011 and is logged once, at Error; a client never sees its text.</para>
/// </remarks>
public abstract class WeirHandler
{
    /// <summary>
    /// Evaluates a valid opening handshake before it is answered: for authentication and for checking the query. Accepts by
    /// default.
    /// </summary>
    /// <param name="request">The request; its headers and query are at hand.</param>
    /// <returns><see cref="UpgradeDecision.Accept"/>, or a refusal, in HTTP or as a close.</returns>
    public virtual ValueTask<UpgradeDecision> OnUpgradeAsync(UpgradeRequest request) => new(UpgradeDecision.Accept);

    /// <summary>The handshake is done; the connection can be sent to and joined to rooms.</summary>
    /// <remarks>
    /// The client may see its connection open a moment before this runs, so a message published in that moment does not
    /// reach it. A client that depends on it sends a Ping or a message first: its answer comes after this.
    /// </remarks>
    public virtual ValueTask OnOpenedAsync(WeirConnection connection) => ValueTask.CompletedTask;

    /// <summary>A whole message has arrived.</summary>
    /// <param name="connection">Where it came from.</param>
    /// <param name="message">The message. Its payload is valid until the returned task completes, not longer.</param>
    public virtual ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message) => ValueTask.CompletedTask;

    /// <summary>
    /// A piece of a message has arrived. Called instead of <see cref="OnMessageAsync"/>, and only where
    /// <see cref="WeirOptions.StreamFragments"/> is set.
    /// </summary>
    /// <param name="connection">Where it came from.</param>
    /// <param name="fragment">
    /// The piece. Its borders are those of frames or of what had arrived, so they carry no meaning (RFC 6455 section 5.4);
    /// text can be cut inside a character. Its payload is valid until the returned task completes.
    /// </param>
    public virtual ValueTask OnFragmentAsync(WeirConnection connection, WeirFragment fragment) => ValueTask.CompletedTask;

    /// <summary>
    /// The client reads more slowly than it is sent to: <see cref="PressureOptions.HighWaterBytes"/> wait for it. Called
    /// again, with <paramref name="isHigh"/> false, when all of them have left.
    /// </summary>
    /// <remarks>
    /// Unlike the other calls it comes from whatever thread sent the message or finished the flush, and may overlap with
    /// them: set a flag and return.
    /// </remarks>
    public virtual void OnPressure(WeirConnection connection, bool isHigh)
    {
    }

    /// <summary>
    /// The connection has ended, whatever the reason; called once for every connection that was opened. It has left its
    /// rooms and nothing can be sent any more.
    /// </summary>
    public virtual ValueTask OnClosedAsync(WeirConnection connection, WeirClosure closure) => ValueTask.CompletedTask;
}
