using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Weir.Sending;

/// <summary>Tells the ends that sockets and streams are expected to come to from bugs.</summary>
internal static class TransportErrors
{
    /// <summary>
    /// True for what a transport throws when the peer or the server has cut it: resets, aborts, a stream disposed under
    /// a pending call, TLS that ended early (an <see cref="IOException"/>).
    /// </summary>
    public static bool IsExpected(Exception error) => error
        is ConnectionResetException
        or ConnectionAbortedException
        or IOException
        or SocketException
        or OperationCanceledException
        or ObjectDisposedException;
}
