using System.Runtime.CompilerServices;

namespace Weir;

/// <summary>Whether and how messages are compressed: permessage-deflate (RFC 7692).</summary>
/// <remarks>
/// <para>
/// At tens of thousands of connections memory is the limit. A zlib state for sending takes 210 to 330 KB, which the garbage
/// collector does not count; a connection that keeps one for receiving grows by 10 to 68 KB of resident memory
/// (docs/operations/tuning.md). By default messages to clients are sent without context takeover: a connection then borrows a
/// state only while it compresses one. A client may keep its context, so each that has sent a compressed message holds a state for
/// receiving, unless it offered <c>client_no_context_takeover</c>.
/// </para>
/// <para>
/// Do not compress messages that mix secrets with text an attacker can choose: their length reveals whether the two match.
/// </para>
/// <para>Not thread-safe: set everything before the server starts, which reads the values once.</para>
/// </remarks>
public sealed class DeflateOptions
{
    /// <summary>
    /// Whether offers of permessage-deflate are accepted. Default: false, since it trades processor time and memory for
    /// bandwidth, which pays off for text over slow links and costs everywhere else.
    /// </summary>
    public bool Enabled { get; set; }

    /// <summary>
    /// The largest window for compressing messages to clients, as a power of two: 9 (512 bytes) to 15 (32 KiB). Default: 15. A
    /// client may request less, and then gets less (RFC 7692 section 7.1.2.1).
    /// </summary>
    /// <remarks>A smaller one finds fewer repetitions and takes less memory in the client; here 9 saves 115 of 324 KB.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">
    /// Below 9 or above 15. RFC 7692 defines 8 too, but zlib has no raw deflate with it; an offer of 8 is declined.
    /// </exception>
    public int ServerMaxWindowBits { get; set => field = InRange(value, 9, 15); } = 15;

    /// <summary>
    /// The largest window clients may compress with, as a power of two: 9 (512 bytes) to 15 (32 KiB). Default: 15.
    /// </summary>
    /// <remarks>
    /// Takes effect with clients that offer <c>client_max_window_bits</c>, as browsers do; others cannot be limited (RFC 7692
    /// section 7.1.2.2) and use up to 15. 9 saves up to 20 of 68 KB of each connection with <see cref="ClientContextTakeover"/>.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">Below 9 or above 15.</exception>
    public int ClientMaxWindowBits { get; set => field = InRange(value, 9, 15); } = 15;

    /// <summary>
    /// Whether a message to a client may refer to earlier ones (RFC 7692 section 7.1.1.1). Default: false; the response then
    /// carries <c>server_no_context_takeover</c>.
    /// </summary>
    /// <remarks>
    /// True makes small similar messages far smaller (128 bytes of JSON to a third, not to 84 %) and costs each
    /// connection 210 to 330 KB for as long as it is open: 16 GB for 50,000 connections.
    /// </remarks>
    public bool ServerContextTakeover { get; set; }

    /// <summary>
    /// Whether a message from a client may refer to earlier ones (RFC 7692 section 7.1.1.2). Default: true, except for a client
    /// that offers <c>client_no_context_takeover</c>, which is held to it. False: every response carries that parameter, offered
    /// or not, as the RFC allows.
    /// </summary>
    /// <remarks>
    /// True costs each connection 10 KB (small messages) to 68 KB (a full window of 15 bits; 48 KB with 9) of resident memory from its
    /// first compressed message until it closes (measured, docs/operations/tuning.md). False costs none while idle, but
    /// excludes Apple's stacks (URLSession, Network.framework, Safari): they accept the parameter unasked and still keep their
    /// context, so that their second message cannot be inflated and the connection ends with 1007. Choose it only where all
    /// clients are known. Most browsers can be limited by <see cref="ClientMaxWindowBits"/> instead.
    /// </remarks>
    public bool ClientContextTakeover { get; set; } = true;

    /// <summary>
    /// Messages to clients shorter than this many bytes are sent uncompressed. Default: 256. 0 compresses all.
    /// </summary>
    /// <remarks>
    /// Alone, 64 bytes of JSON or prose do not shrink at all, 128 bytes by 15 % (less than the headers of the packet that carries
    /// them) and 256 bytes by 27 to 42 %, for 4 to 9 microseconds here and 2 at the peer. With
    /// <see cref="ServerContextTakeover"/> smaller messages pay off too: try 32.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int MinimumBytes { get; set => field = InRange(value, 0, int.MaxValue); } = 256;

    /// <summary>zlib's compression level, from 1 (fastest) to 9 (smallest). Default: 2.</summary>
    /// <remarks>
    /// Measured on 16 KiB of JSON: level 1 leaves 36 % in 40 microseconds, 2 leaves 26 % in 70, 6 leaves 23 % in 171,
    /// 9 leaves 22 % in 259. Below 1 KiB levels 2 to 6 differ by a point.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">Below 1 or above 9.</exception>
    public int Level { get; set => field = InRange(value, 1, 9); } = 2;

    private static int InRange(int value, int minimum, int maximum, [CallerMemberName] string property = "")
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, minimum, property);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, maximum, property);
        return value;
    }
}
