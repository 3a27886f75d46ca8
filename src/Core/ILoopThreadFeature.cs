namespace Weir;

/// <summary>
/// Offered by a transport that can run a connection's code on the thread that received its bytes, which saves a dispatch per
/// read. Found among the connection's features.
/// </summary>
/// <remarks>
/// Off until somebody who knows what runs there sets it: code on the transport's thread holds up the other connections of
/// that thread while it runs. <c>UseWeir</c> turns it on for the connections it keeps (a handler must not block) and leaves
/// it off for those it passes on to HTTP.
/// </remarks>
public interface ILoopThreadFeature
{
    /// <summary>Whether what waits for this connection's bytes goes on upon the transport's own thread.</summary>
    bool RunsOnLoop { get; set; }
}
