using System.Runtime.InteropServices;

namespace Weir.LoadTest.Client;

/// <summary>
/// The few calls of OpenSSL 3 that a client over a non-blocking socket makes. SslStream would do the same through a task, a
/// stream and two buffers for each connection.
/// </summary>
internal static partial class OpenSsl
{
    public const int SSL_ERROR_WANT_READ = 2;
    public const int SSL_ERROR_WANT_WRITE = 3;
    public const int SSL_ERROR_ZERO_RETURN = 6;

    public const int SSL_VERIFY_NONE = 0;
    public const int SSL_VERIFY_PEER = 1;
    public const int SSL_CTRL_MODE = 33;
    public const int SSL_CTRL_SET_TLSEXT_HOSTNAME = 55;
    public const nint TLSEXT_NAMETYPE_host_name = 0;
    public const nint SSL_MODE_ENABLE_PARTIAL_WRITE = 1;
    public const nint SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 2;
    public const nint SSL_MODE_RELEASE_BUFFERS = 16;

    private const string Ssl = "libssl.so.3";
    private const string Crypto = "libcrypto.so.3";

    [LibraryImport(Ssl, EntryPoint = "TLS_client_method")]
    public static partial nint ClientMethod();

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_new")]
    public static partial nint NewContext(nint method);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_ctrl")]
    public static partial nint ControlContext(nint context, int command, nint number, nint pointer);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_verify")]
    public static partial void SetVerify(nint context, int mode, nint callback);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_default_verify_paths")]
    public static partial int SetDefaultVerifyPaths(nint context);

    [LibraryImport(Ssl, EntryPoint = "SSL_new")]
    public static partial nint New(nint context);

    [LibraryImport(Ssl, EntryPoint = "SSL_free")]
    public static partial void Free(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_set_fd")]
    public static partial int SetFd(nint ssl, int fd);

    [LibraryImport(Ssl, EntryPoint = "SSL_ctrl", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint Control(nint ssl, int command, nint number, string text);

    [LibraryImport(Ssl, EntryPoint = "SSL_set1_host", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetHost(nint ssl, string name);

    [LibraryImport(Ssl, EntryPoint = "SSL_connect")]
    public static partial int Connect(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_read")]
    public static partial int Read(nint ssl, Span<byte> buffer, int length);

    [LibraryImport(Ssl, EntryPoint = "SSL_write")]
    public static partial int Write(nint ssl, ReadOnlySpan<byte> buffer, int length);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_error")]
    public static partial int GetError(nint ssl, int result);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_verify_result")]
    public static partial nint GetVerifyResult(nint ssl);

    [LibraryImport(Crypto, EntryPoint = "ERR_clear_error")]
    public static partial void ClearErrors();

    [LibraryImport(Crypto, EntryPoint = "ERR_get_error")]
    public static partial nuint LastError();

    [LibraryImport(Crypto, EntryPoint = "ERR_error_string_n")]
    public static partial void Describe(nuint error, Span<byte> buffer, nint length);
}
