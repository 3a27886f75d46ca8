using System.Net.Security;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Weir.Transports.Epoll;

/// <summary>
/// OpenSSL's buffers of a session. It keeps one of 16 KiB for reading and one for writing as long as the session lives, unless it
/// is set to release them while they are empty (SSL_MODE_RELEASE_BUFFERS, SSL_CTX_set_mode(3)). .NET does not set it, and offers
/// no way to. So this class reads the session's handle from a private field of .NET 10, and finds the one libssl that the process
/// has loaded; if either is not found as expected, it has no effect.
/// </summary>
internal sealed unsafe class TlsBuffers
{
    private const string HandleField = "_securityContext";
    private const int SetMode = 33; // SSL_CTRL_MODE
    private const nint ReleaseBuffers = 0x10; // SSL_MODE_RELEASE_BUFFERS

    private static readonly FieldInfo? _handleField =
        typeof(SslStream).GetField(HandleField, BindingFlags.NonPublic | BindingFlags.Instance);

    private readonly delegate* unmanaged<nint, int, nint, nint, nint> _control;

    private TlsBuffers(nint control) => _control = (delegate* unmanaged<nint, int, nint, nint, nint>)control;

    /// <summary><c>null</c> if it is not possible. Called after the first session has begun: before that no libssl may be loaded.</summary>
    public static TlsBuffers? Find()
    {
        // Two versions side by side would be two layouts of a session: neither is touched then.
        return OperatingSystem.IsLinux()
            && LoadedLibraries("/libssl.so") is [var library]
            && NativeLibrary.TryLoad(library, out nint handle)
            && NativeLibrary.TryGetExport(handle, "SSL_ctrl", out nint control)
                ? new TlsBuffers(control)
                : null;
    }

    /// <summary>From now on the session holds its buffers only while they have content. To be called before any read or write.</summary>
    /// <returns><c>false</c> if the session's handle was not found.</returns>
    public bool TryRelease(SslStream stream)
    {
        if (_handleField?.GetValue(stream) is not SafeHandle { IsInvalid: false } session)
        {
            return false;
        }

        bool isHeld = false;
        try
        {
            session.DangerousAddRef(ref isHeld);
            return (_control(session.DangerousGetHandle(), SetMode, ReleaseBuffers, 0) & ReleaseBuffers) != 0;
        }
        finally
        {
            if (isHeld)
            {
                session.DangerousRelease();
            }
        }
    }

    private static List<string> LoadedLibraries(string name)
        => [.. File.ReadLines("/proc/self/maps")
            .Select(static line => line.IndexOf('/') is >= 0 and var path ? line[path..] : "")
            .Where(path => path.Contains(name, StringComparison.Ordinal))
            .Distinct()];
}
