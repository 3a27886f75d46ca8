using System.Globalization;
using Npgsql;

namespace Weir.Brokers.Postgres.Announcing;

/// <summary>
/// Waits for notifications, on a connection that does nothing else: one with an open transaction would receive none, and would keep
/// those of the whole server.
/// </summary>
internal sealed class NotificationListener(string node, AnnouncementOrder order, AnnouncementReader reader, int probedLane, Action onOutbox)
{
    private const string Outbox = "outbox";

    private readonly Lock _gate = new();
    private long _arrived;
    private (long Number, TaskCompletionSource Arrived)? _expected;

    /// <summary>Completes when a notification for that number of the probed lane, or a later one, has arrived.</summary>
    public Task WhenArrivedAsync(long number)
    {
        lock (_gate)
        {
            if (_arrived >= number)
            {
                return Task.CompletedTask;
            }

            TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _expected = (number, arrived);
            return arrived.Task;
        }
    }

    /// <summary>Listens until it is cancelled. LISTEN is committed before.</summary>
    /// <exception cref="NpgsqlException">The connection failed.</exception>
    public static async Task RunAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // Nothing shows the end of a connection that is not being read: no event, and no change of its state.
        while (true)
        {
            await connection.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Processes a payload: <c>lane:number:node</c>, or <c>outbox</c>.</summary>
    public void OnNotification(ReadOnlySpan<char> payload)
    {
        if (payload is Outbox)
        {
            onOutbox();
            return;
        }

        int colon = payload.IndexOf(':');
        int end = colon < 0 ? -1 : payload[(colon + 1)..].IndexOf(':') + colon + 1;
        if (end <= colon
            || !int.TryParse(payload[..colon], NumberStyles.None, CultureInfo.InvariantCulture, out int lane) || lane > 1
            || !long.TryParse(payload[(colon + 1)..end], NumberStyles.None, CultureInfo.InvariantCulture, out long number))
        {
            return; // of a newer version, or of an application that uses the same channel
        }

        if (lane == probedLane)
        {
            NoteArrived(number);
        }

        // This node has its own ones already, or will with the answer.
        if (!payload[(end + 1)..].SequenceEqual(node) && number > order.LastOf(lane))
        {
            reader.Wake(lane);
        }
    }

    private void NoteArrived(long number)
    {
        TaskCompletionSource? arrived = null;
        lock (_gate)
        {
            _arrived = Math.Max(_arrived, number);
            if (_expected is { } expected && expected.Number <= number)
            {
                arrived = expected.Arrived;
                _expected = null;
            }
        }

        arrived?.SetResult();
    }
}
