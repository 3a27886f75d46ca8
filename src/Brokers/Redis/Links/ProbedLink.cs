namespace Weir.Brokers.Redis.Links;

/// <summary>A link with its probe channel, and the probe in flight.</summary>
internal sealed class ProbedLink(SubscriberLink link)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _arrival;
    private long _number;
    private long _received;

    public SubscriberLink Link { get; } = link;

    /// <summary>Subscribed to on this link only; <c>null</c> until then. Guarded by the gate of <see cref="Subscriptions"/>.</summary>
    public string? Channel { get; set; }

    /// <summary>Whether the link has received data since the last call. For the supervision only.</summary>
    public bool HasReceived()
    {
        long received = Link.Received;
        bool has = received != _received;
        _received = received;
        return has;
    }

    /// <summary>Begins a probe: completes when the probe of this number has arrived on the link.</summary>
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
            _arrival?.TrySetException(new LinkRefusedException("The link broke during a probe.", reason));
            _ = _arrival?.Task.Exception;
        }
    }
}
