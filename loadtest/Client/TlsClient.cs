using System.Text;

namespace Weir.LoadTest.Client;

/// <summary>TLS over the sockets of one <see cref="ClientLoop"/>; for its thread alone.</summary>
internal sealed class TlsClient
{
    private readonly nint _context;
    private readonly string _host;
    private readonly bool _isHostChecked;

    /// <param name="host">Named to the server, and looked for in its certificate.</param>
    /// <param name="isInsecure">Any certificate will do.</param>
    public TlsClient(string host, bool isInsecure)
    {
        _host = host;
        _isHostChecked = !isInsecure;
        _context = OpenSsl.NewContext(OpenSsl.ClientMethod());
        OpenSsl.SetVerify(_context, isInsecure ? OpenSsl.SSL_VERIFY_NONE : OpenSsl.SSL_VERIFY_PEER, 0);
        _ = OpenSsl.SetDefaultVerifyPaths(_context);

        // What is left of a write may be sent from another array, and an idle session gives its 32 KB of buffers back.
        _ = OpenSsl.ControlContext(
            _context,
            OpenSsl.SSL_CTRL_MODE,
            OpenSsl.SSL_MODE_ENABLE_PARTIAL_WRITE | OpenSsl.SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | OpenSsl.SSL_MODE_RELEASE_BUFFERS,
            0);
    }

    /// <summary>A session over a connected socket; the caller ends it with <see cref="OpenSsl.Free"/>.</summary>
    public nint Begin(int fd)
    {
        nint session = OpenSsl.New(_context);
        _ = OpenSsl.SetFd(session, fd);
        _ = OpenSsl.Control(session, OpenSsl.SSL_CTRL_SET_TLSEXT_HOSTNAME, OpenSsl.TLSEXT_NAMETYPE_host_name, _host);
        if (_isHostChecked)
        {
            _ = OpenSsl.SetHost(session, _host);
        }

        return session;
    }

    /// <summary>What went wrong last, for people.</summary>
    public static string Problem(nint session)
    {
        nint verified = OpenSsl.GetVerifyResult(session);
        nuint error = OpenSsl.LastError();
        if (error == 0)
        {
            return "TLS: the connection was cut";
        }

        byte[] text = new byte[256];
        OpenSsl.Describe(error, text, text.Length);
        string what = Encoding.ASCII.GetString(text.AsSpan(0, Math.Max(0, text.AsSpan().IndexOf((byte)0))));
        return $"TLS: {what}{(verified == 0 ? "" : $" (certificate not accepted, {verified}; --insecure takes any)")}";
    }
}
