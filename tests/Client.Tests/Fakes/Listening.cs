using Weir.Testing;
using Xunit;

namespace Weir.Client.Tests.Fakes;

/// <summary>Reads one thing after another, each within a bound.</summary>
internal sealed class Listening<T>(IAsyncEnumerable<T> source) : IAsyncDisposable
{
    private readonly IAsyncEnumerator<T> _enumerator = source.GetAsyncEnumerator();

    public async Task<T> NextAsync()
    {
        Assert.True(await _enumerator.MoveNextAsync().Within(what: "the next event"), "Nothing follows.");
        return _enumerator.Current;
    }

    /// <summary>The next one, which must be of this kind.</summary>
    public async Task<TKind> NextAsync<TKind>()
        where TKind : T
        => Assert.IsType<TKind>(await NextAsync());

    public async Task EndsAsync() => Assert.False(await _enumerator.MoveNextAsync().Within(what: "the end of the events"));

    public ValueTask DisposeAsync() => _enumerator.DisposeAsync();
}
