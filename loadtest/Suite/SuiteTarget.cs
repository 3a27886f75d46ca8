using Weir.LoadTest.Client;

namespace Weir.LoadTest.Suite;

/// <summary>The server of the suite, and the token for it.</summary>
/// <param name="token">Null: none.</param>
internal sealed class SuiteTarget(Uri url, bool isInsecure, string? token)
{
    public Uri Url => url;

    public bool IsInsecure => isInsecure;

    public string? Token => token;

    public Target Target { get; } = new(url, isInsecure);

    /// <summary>Another path on the same server.</summary>
    public SuiteTarget At(string path) => new(new UriBuilder(url) { Path = path }.Uri, isInsecure, token);

    /// <summary>Another server on the same machine.</summary>
    public SuiteTarget At(int port) => new(new UriBuilder(url) { Port = port }.Uri, isInsecure, token);
}
