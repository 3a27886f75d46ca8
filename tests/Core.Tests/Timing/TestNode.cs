using Weir.Timing;

namespace Weir.Core.Tests.Timing;

/// <summary>Counts its callbacks and then runs the test's code.</summary>
internal sealed class TestNode(Action<TestNode>? onExpired = null) : TimerNode
{
    private int _fired;

    /// <summary>Called when its call comes nearer, with the number of nodes that are called before it.</summary>
    public Action<int>? OnFetchAhead { get; init; }

    public int Fired => Volatile.Read(ref _fired);

    protected internal override void OnExpired()
    {
        Interlocked.Increment(ref _fired);
        onExpired?.Invoke(this);
    }

    protected internal override void FetchAhead(int callsBefore) => OnFetchAhead?.Invoke(callsBefore);
}
