using Weir.Testing;

namespace Weir.TestSupport;

/// <summary>Reads one thing after another, each within a bound.</summary>
public sealed class Listening<T>(IAsyncEnumerable<T> source) : IAsyncDisposable
{
    private readonly IAsyncEnumerator<T> _enumerator = source.GetAsyncEnumerator();

    public async Task<T> NextAsync()
        => await _enumerator.MoveNextAsync().Within(what: "the next event")
            ? _enumerator.Current
            : throw new EndOfStreamException("Nothing follows.");

    /// <summary>The next one, which must be of this kind.</summary>
    public async Task<TKind> NextAsync<TKind>()
        where TKind : T
    {
        T next = await NextAsync();
        return next is TKind kind && next.GetType() == typeof(TKind)
            ? kind
            : throw new InvalidDataException($"{next} follows, which is no {typeof(TKind).Name}.");
    }

    public async Task EndsAsync()
    {
        if (await _enumerator.MoveNextAsync().Within(what: "the end of the events"))
        {
            throw new InvalidDataException($"{_enumerator.Current} follows instead of the end.");
        }
    }

    public ValueTask DisposeAsync() => _enumerator.DisposeAsync();
}
