using Weir.Timing;

namespace Weir.Core.Tests.Timing;

/// <summary>Counts its callbacks and then does what the test wants.</summary>
internal sealed class TestNode(Action<TestNode>? onExpired = null) : TimerNode
{
    private int _fired;

    /// <summary>Told, with how many are called before it, that its call comes nearer.</summary>
    public Action<int>? OnFetchAhead { get; init; }

    public int Fired => Volatile.Read(ref _fired);

    protected internal override void OnExpired()
    {
        Interlocked.Increment(ref _fired);
        onExpired?.Invoke(this);
    }

    protected internal override void FetchAhead(int callsBefore) => OnFetchAhead?.Invoke(callsBefore);
}
