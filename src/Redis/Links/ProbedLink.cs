namespace Weir.Redis.Links;

/// <summary>A link with the channel on which it is tried, and the try that is under way.</summary>
internal sealed class ProbedLink(SubscriberLink link)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _arrival;
    private long _number;
    private long _received;

    public SubscriberLink Link { get; } = link;

    /// <summary>Subscribed to on this link only; null until then. Guarded by the gate of <see cref="Subscriptions"/>.</summary>
    public string? Channel { get; set; }

    /// <summary>Whether anything has come through the link since the last call. For the supervision alone.</summary>
    public bool HasReceived()
    {
        long received = Link.Received;
        bool has = received != _received;
        _received = received;
        return has;
    }

    /// <summary>Begins a try: done when the probe of that number has come through the link.</summary>
    public Task Expect(long number)
    {
        lock (_gate)
        {
            _number = number;
            _arrival = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _arrival.Task;
        }
    }

    public void OnProbe(long number)
    {
        lock (_gate)
        {
            if (number == _number)
            {
                _arrival?.TrySetResult();
            }
        }
    }

    public void OnDown(Exception reason)
    {
        lock (_gate)
        {
            _arrival?.TrySetException(new LinkRefusedException("The link broke while it was tried.", reason));
            _ = _arrival?.Task.Exception;
        }
    }
}
