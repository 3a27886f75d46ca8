using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Weir.Brokers.Kafka.Log;

/// <summary>Names compared as texts or as their UTF-8, so that a record's key finds its room without a string being made of it.</summary>
internal sealed class Utf8Names : IEqualityComparer<string>, IAlternateEqualityComparer<ReadOnlySpan<byte>, string>
{
    private const int MostOnStack = 512;

    public bool Equals(string? x, string? y) => string.Equals(x, y, StringComparison.Ordinal);

    public bool Equals(ReadOnlySpan<byte> alternate, string other)
    {
        if (alternate.Length < other.Length || alternate.Length > 3 * other.Length)
        {
            return false;
        }

        Span<byte> bytes = other.Length * 3 <= MostOnStack ? stackalloc byte[MostOnStack] : new byte[other.Length * 3];
        return alternate.SequenceEqual(bytes[..Encoding.UTF8.GetBytes(other, bytes)]);
    }

    public int GetHashCode([DisallowNull] string text)
    {
        Span<byte> bytes = text.Length * 3 <= MostOnStack ? stackalloc byte[MostOnStack] : new byte[text.Length * 3];
        return GetHashCode(bytes[..Encoding.UTF8.GetBytes(text, bytes)]);
    }

    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        HashCode hash = default;
        hash.AddBytes(alternate);
        return hash.ToHashCode();
    }

    public string Create(ReadOnlySpan<byte> alternate) => Encoding.UTF8.GetString(alternate);
}
