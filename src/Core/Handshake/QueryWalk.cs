using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Weir.Handshake;

/// <summary>Finds the values of one parameter in a raw query; decodes only the values that it returns.</summary>
internal ref struct QueryWalk
{
    private readonly byte[] _name;
    private ReadOnlySpan<byte> _rest;

    /// <param name="query">The query with its '?', or empty.</param>
    /// <param name="name">The parameter, decoded.</param>
    public QueryWalk(ReadOnlySpan<byte> query, string name)
    {
        _rest = query.IsEmpty ? query : query[1..];
        _name = Encoding.UTF8.GetBytes(name);
    }

    public bool TryNext([NotNullWhen(true)] out string? value)
    {
        while (!_rest.IsEmpty)
        {
            int end = _rest.IndexOf((byte)'&');
            ReadOnlySpan<byte> pair = end < 0 ? _rest : _rest[..end];
            _rest = end < 0 ? default : _rest[(end + 1)..];

            int equals = pair.IndexOf((byte)'=');
            ReadOnlySpan<byte> name = equals < 0 ? pair : pair[..equals];
            if (!pair.IsEmpty && PercentEncoding.DecodesTo(name, _name, PercentForm.Query))
            {
                value = equals < 0 ? "" : PercentEncoding.Decode(pair[(equals + 1)..], PercentForm.Query);
                return true;
            }
        }

        value = null;
        return false;
    }
}
