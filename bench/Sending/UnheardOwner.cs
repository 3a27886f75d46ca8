using Weir.Sending;

namespace Weir.Bench.Sending;

/// <summary>For senders over sinks, whose clients are never slow and never gone.</summary>
internal sealed class UnheardOwner : ISenderOwner
{
    public void OnTooSlow() => throw new InvalidOperationException("A sink is never too slow.");

    public void OnTransportEnded(Exception? error) => throw new InvalidOperationException("A sink never ends.", error);
}
