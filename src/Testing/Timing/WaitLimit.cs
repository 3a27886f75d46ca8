namespace Weir.Testing.Timing;

/// <summary>The time limit of one kind of wait, reused from wait to wait; no timer runs between them.</summary>
internal sealed class WaitLimit : IDisposable
{
    private CancellationTokenSource _source = new();

    public CancellationToken Start(TimeSpan limit)
    {
        if (!_source.TryReset())
        {
            _source.Dispose();
            _source = new CancellationTokenSource();
        }

        _source.CancelAfter(limit);
        return _source.Token;
    }

    public void Stop() => _source.CancelAfter(Timeout.InfiniteTimeSpan);

    public void Dispose() => _source.Dispose();
}
