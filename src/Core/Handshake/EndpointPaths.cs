using System.Text;

namespace Weir.Handshake;

/// <summary>
/// The registered paths of a few endpoints. A linear search: comparing a few short byte strings costs less than decoding the
/// request's path into a lookup key.
/// </summary>
internal sealed class EndpointPaths : IEndpointLookup
{
    private readonly byte[][] _paths;

    /// <param name="paths">Decoded paths, each beginning with '/'.</param>
    /// <exception cref="ArgumentException">A path does not begin with '/', or holds a query or fragment.</exception>
    public EndpointPaths(IEnumerable<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        List<byte[]> encoded = [];
        foreach (string path in paths)
        {
            if (path is not ['/', ..] || path.AsSpan().ContainsAny('?', '#'))
            {
                throw new ArgumentException(
                    $"The path '{path}' must begin with '/' and have no query or fragment.", nameof(paths));
            }

            encoded.Add(Encoding.UTF8.GetBytes(path));
        }

        _paths = [.. encoded];
    }

    public bool Contains(ReadOnlySpan<byte> path) => IndexOf(path) >= 0;

    /// <summary>Returns the index of the path in the registered order, or -1; of duplicates the first.</summary>
    public int IndexOf(ReadOnlySpan<byte> path)
    {
        for (int i = 0; i < _paths.Length; i++)
        {
            if (PercentEncoding.DecodesTo(path, _paths[i], PercentForm.Path))
            {
                return i;
            }
        }

        return -1;
    }
}
