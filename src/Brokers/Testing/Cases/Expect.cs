using System.Runtime.CompilerServices;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Testing.Cases;

/// <summary>Comparisons without a test framework.</summary>
internal static class Expect
{
    public static void Equal<T>(T expected, T actual, [CallerArgumentExpression(nameof(actual))] string what = "")
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
        {
            throw new BrokerContractException($"{what}: expected {expected?.ToString() ?? "null"}, but was {actual?.ToString() ?? "null"}.");
        }
    }

    public static void Different<T>(T other, T actual, [CallerArgumentExpression(nameof(actual))] string what = "")
    {
        if (EqualityComparer<T>.Default.Equals(other, actual))
        {
            throw new BrokerContractException($"{what}: expected another value than {other?.ToString() ?? "null"}.");
        }
    }

    public static void Sequence<T>(
        IEnumerable<T> expected, IEnumerable<T> actual, [CallerArgumentExpression(nameof(actual))] string what = "")
    {
        T[] wanted = [.. expected], found = [.. actual];
        if (!wanted.SequenceEqual(found))
        {
            throw new BrokerContractException($"{what}: expected [{string.Join(", ", wanted)}], but was [{string.Join(", ", found)}].");
        }
    }

    public static void Bytes(
        ReadOnlyMemory<byte> expected, ReadOnlyMemory<byte> actual, [CallerArgumentExpression(nameof(actual))] string what = "")
        => Equal(Convert.ToHexString(expected.Span), Convert.ToHexString(actual.Span), what);

    /// <summary>The only element.</summary>
    public static T Single<T>(IEnumerable<T> actual, [CallerArgumentExpression(nameof(actual))] string what = "")
    {
        T[] found = [.. actual];
        Equal(1, found.Length, $"the number of {what}");
        return found[0];
    }

    public static void Same(Publication expected, Publication actual)
    {
        Bytes(expected.Data, actual.Data);
        Bytes(expected.Info, actual.Info);
        Equal(expected.Kind, actual.Kind);
        Equal(expected.Offset, actual.Offset);
        Equal(expected.Key, actual.Key);
        Equal(expected.Node, actual.Node);
        Equal(expected.NodeSequence, actual.NodeSequence);
    }
}
