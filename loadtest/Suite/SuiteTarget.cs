using Weir.LoadTest.Client;

namespace Weir.LoadTest.Suite;

/// <summary>A server as the suite sees it.</summary>
internal sealed class SuiteTarget(Uri url, bool isInsecure)
{
    public Uri Url => url;

    public bool IsInsecure => isInsecure;

    public Target Target { get; } = new(url, isInsecure);

    /// <summary>Another path on the same server.</summary>
    public SuiteTarget At(string path) => new(new UriBuilder(url) { Path = path }.Uri, isInsecure);
}
