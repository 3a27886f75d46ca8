using System.Threading.Channels;
using NATS.Client.Core;
using Weir.Brokers.Nats.Connection;
using Weir.Brokers.Nats.Wire;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Announcing;

/// <summary>
/// The one publisher of a session's announcements, so that they leave in the order of the calls. All that waits leaves in one step: the
/// publications of a room as one message, and one round trip confirms all. Thread-safe.
/// </summary>
internal sealed class OutgoingQueue
{
    private const int MaxMessages = 1024;
    private const int MaxBytes = 128 * 1024;

    private readonly Channel<OutgoingMessage> _queue = Channel.CreateUnbounded<OutgoingMessage>(new() { SingleReader = true });
    private readonly Dictionary<string, RecordWriter> _gathered = new(StringComparer.Ordinal);
    private readonly Session _session;
    private readonly int _maxBytes;

    /// <summary>Creates the queue of a session, whose end is its own.</summary>
    public OutgoingQueue(Session session)
    {
        _session = session;
        _maxBytes = Math.Min(MaxBytes, session.Server.MaxPayload / 2);
        _ = Task.Run(SendAllAsync);
    }

    /// <summary>Adds a message; the caller bounds how many wait. After the end of the session it fails.</summary>
    public void Add(OutgoingMessage message)
    {
        if (!_queue.Writer.TryWrite(message))
        {
            message.Confirmation?.TryFail(Unavailable(isUnknown: false));
        }
    }

    private static BrokerUnavailableException Unavailable(bool isUnknown) => new("The connection to NATS was lost.", isUnknown);

    private async Task SendAllAsync()
    {
        List<OutgoingMessage> batch = [];
        try
        {
            while (await _queue.Reader.WaitToReadAsync(_session.Ended))
            {
                while (batch.Count < MaxMessages && _queue.Reader.TryRead(out OutgoingMessage message))
                {
                    // Of a caller that has waited for too long: it counts as failed.
                    if (message.Confirmation?.Task.IsCompleted != true)
                    {
                        batch.Add(message);
                    }
                }

                await SendAsync(batch);
                _ = ConfirmAsync([.. batch.Where(static message => message.Confirmation is not null)]);
                batch.Clear();
            }
        }
        catch (Exception error) when (error is NatsException or OperationCanceledException or ObjectDisposedException)
        {
            _session.End("A message could not be sent."); // no effect if it has ended
        }

        foreach (OutgoingMessage message in batch)
        {
            message.Confirmation?.TryFail(Unavailable(isUnknown: true));
        }

        _queue.Writer.Complete();
        while (_queue.Reader.TryRead(out OutgoingMessage message))
        {
            message.Confirmation?.TryFail(Unavailable(isUnknown: false));
        }
    }

    private async Task SendAsync(List<OutgoingMessage> batch)
    {
        foreach (OutgoingMessage message in batch)
        {
            if (message.Type != MessageType.Publications)
            {
                await SendGatheredAsync(message.Subject);
                RecordWriter single = new(message.Type);
                single.WriteRest(message.Body);
                await _session.SendAsync(message.Subject, single.Written);
                continue;
            }

            if (_gathered.TryGetValue(message.Subject, out RecordWriter? gathered) && gathered.Length + message.Body.Length > _maxBytes)
            {
                await SendGatheredAsync(message.Subject);
                gathered = null;
            }

            if (gathered is null)
            {
                _gathered.Add(message.Subject, gathered = new RecordWriter(MessageType.Publications));
            }

            gathered.WriteField(message.Body);
        }

        foreach ((string subject, RecordWriter gathered) in _gathered)
        {
            await _session.SendAsync(subject, gathered.Written);
        }

        _gathered.Clear();
    }

    private async Task SendGatheredAsync(string subject)
    {
        if (_gathered.Remove(subject, out RecordWriter? gathered))
        {
            await _session.SendAsync(subject, gathered.Written);
        }
    }

    private async Task ConfirmAsync(OutgoingMessage[] sent)
    {
        if (sent.Length == 0)
        {
            return;
        }

        try
        {
            await _session.RoundTripAsync();
            foreach (OutgoingMessage message in sent)
            {
                message.Confirmation!.TryComplete(true);
            }
        }
        catch (BrokerUnavailableException error)
        {
            foreach (OutgoingMessage message in sent)
            {
                message.Confirmation!.TryFail(new BrokerUnavailableException(error.Message, isUnknown: true, error));
            }
        }
    }
}
