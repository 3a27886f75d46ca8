using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Weir.Sending;

/// <summary>Distinguishes the errors that sockets and streams are expected to end with from bugs.</summary>
internal static class TransportErrors
{
    /// <summary>
    /// True for the exceptions of a transport that the peer or the server has aborted: resets, aborts, a stream disposed under a
    /// pending call, TLS that ended early (an <see cref="IOException"/>).
    /// </summary>
    public static bool IsExpected(Exception error) => error
        is ConnectionResetException
        or ConnectionAbortedException
        or IOException
        or SocketException
        or OperationCanceledException
        or ObjectDisposedException;
}
