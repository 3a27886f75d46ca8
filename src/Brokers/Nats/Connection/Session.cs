using System.Buffers;
using System.Globalization;
using NATS.Client.Core;
using Weir.Relay.Brokers;
using Weir.Timing;

namespace Weir.Brokers.Nats.Connection;

/// <summary>
/// One connection, from its opening to its loss. The library would reconnect it and send what waits, in reverse order; a session ends
/// instead, all its requests with it, so that each loss of the connection is a gap that the broker sees. Thread-safe.
/// </summary>
internal sealed class Session : IAsyncDisposable, IMessageHandler
{
    private readonly NatsConnection _connection;
    private readonly ISessionOwner _owner;
    private readonly RunningTimeouts _timeouts;
    private readonly TimeSpan _limit;
    private readonly string _replies;
    private readonly CancellationTokenSource _ended = new();
    private readonly CancellationToken _endedToken;
    private readonly System.Collections.Concurrent.ConcurrentDictionary<long, PendingReply<Reply>> _requests = [];
    private readonly System.Collections.Concurrent.ConcurrentDictionary<PendingReply<bool>, bool> _confirmations = [];
    private readonly Dictionary<string, DirectSubscription> _subscriptions = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _subscribing = new(1);
    private long _lastRequest;
    private readonly Lock _delivering = new();
    private int _hasEnded;
    private volatile bool _mayDeliver = true;
    private volatile string _address = "";

    private Session(NatsConnection connection, ISessionOwner owner, SessionSettings settings)
    {
        _connection = connection;
        _owner = owner;
        _timeouts = settings.Timeouts;
        _limit = settings.RequestTimeout;
        _replies = settings.Replies;
        _endedToken = _ended.Token;
    }

    public INatsServerInfo Server => _connection.ServerInfo!;

    /// <summary>The address that was connected to, as <c>host:port</c>: the server itself names the one that it listens on.</summary>
    public string Address => _address;

    public bool IsAlive => Volatile.Read(ref _hasEnded) == 0;

    /// <summary>Canceled when the connection is lost.</summary>
    public CancellationToken Ended => _endedToken;

    /// <summary>Connects to one of the servers, and subscribes to the replies to its requests.</summary>
    public static async Task<Session> OpenAsync(
        SessionSettings settings, IReadOnlyList<string> servers, ISessionOwner owner, CancellationToken cancellationToken)
    {
        NatsConnection connection = new(settings.OptionsFor(servers));
        Session session = new(connection, owner, settings);
        bool wasOpen = false;
        // The first address of a second attempt: the library reconnects by itself, and there is no option against it.
        connection.OnConnectingAsync = address =>
        {
            if (Volatile.Read(ref wasOpen))
            {
                throw new NatsException("A session is not connected again.");
            }

            session._address = $"{address.Host}:{address.Port}";
            return new ValueTask<(string, int)>(address);
        };
        connection.ConnectionDisconnected += (_, _) =>
        {
            session.End("The connection was lost.");
            return default;
        };
        connection.ServerError += (_, error) =>
        {
            owner.OnServerError(session, error.Error);
            return default;
        };
        connection.LameDuckModeActivated += (_, _) =>
        {
            owner.OnLameDuck(session);
            return default;
        };
        try
        {
            await connection.ConnectAsync().AsTask().WaitAsync(cancellationToken);
            Volatile.Write(ref wasOpen, true);
            await session.SubscribeAsync(settings.Replies + "*", session);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Ends the delivery of messages; replies still arrive. Returns when the message that is being delivered has been: those of the next
    /// session must not overtake it.
    /// </summary>
    public void StopDelivering()
    {
        _mayDeliver = false;
        lock (_delivering)
        {
            // Waits.
        }
    }

    /// <summary>Hands a message on, unless the session has ended: its connection may still have some in its buffers.</summary>
    public void Deliver(
        IMessageHandler handler, string subject, string? replyTo, ReadOnlySequence<byte> header, ReadOnlySequence<byte> payload)
    {
        if (handler == this)
        {
            handler.OnMessage(subject, replyTo, header, payload); // a reply
            return;
        }

        lock (_delivering)
        {
            if (_mayDeliver)
            {
                handler.OnMessage(subject, replyTo, header, payload);
            }
        }
    }

    /// <summary>Sends a message without a reply; completes when it is in the buffer of the connection.</summary>
    /// <exception cref="NatsException">The connection does not take it.</exception>
    /// <exception cref="OperationCanceledException">The connection was lost.</exception>
    public ValueTask SendAsync(string subject, ReadOnlyMemory<byte> body)
    {
        _endedToken.ThrowIfCancellationRequested();
        return _connection.PublishAsync(
            subject, body, serializer: NatsRawSerializer<ReadOnlyMemory<byte>>.Default, cancellationToken: _endedToken);
    }

    /// <summary>Sends a request; completes with its reply.</summary>
    /// <exception cref="BrokerUnavailableException">There was no reply.</exception>
    public Task<Reply> RequestAsync(string subject, ReadOnlyMemory<byte> body, NatsHeaders? headers = null)
    {
        long number = Interlocked.Increment(ref _lastRequest);
        PendingReply<Reply> request = new(_limit, () => _requests.TryRemove(number, out _));
        _requests[number] = request;
        _timeouts.Add(request);
        if (!IsAlive)
        {
            Fail(number, request, EndedError(isUnknown: false));
            return request.Task;
        }

        ValueTask sent;
        try
        {
            sent = _connection.PublishAsync(
                subject,
                body,
                headers,
                _replies + number.ToString(CultureInfo.InvariantCulture),
                NatsRawSerializer<ReadOnlyMemory<byte>>.Default,
                cancellationToken: _endedToken);
        }
        catch (Exception error) when (IsFailure(error))
        {
            Fail(number, request, FailureOf(error));
            return request.Task;
        }

        if (!sent.IsCompletedSuccessfully)
        {
            _ = ObserveAsync(sent, number, request);
        }

        return request.Task;
    }

    /// <summary>Completes when the server has processed all that was sent before.</summary>
    /// <exception cref="BrokerUnavailableException">The server has not confirmed it.</exception>
    public async Task RoundTripAsync()
    {
        PendingReply<bool> confirmation = new(_limit);
        _confirmations[confirmation] = true;
        _timeouts.Add(confirmation);
        try
        {
            if (!IsAlive)
            {
                throw EndedError(isUnknown: true);
            }

            _ = PingAsync(confirmation);
            await confirmation.Task;
        }
        finally
        {
            _timeouts.TryRemove(confirmation);
            _confirmations.TryRemove(confirmation, out _);
        }
    }

    /// <summary>Subscribes; a round trip confirms it. No effect if there is such a subscription.</summary>
    public Task SubscribeAsync(string subject, IMessageHandler handler) => AlignAsync(subject, () => handler);

    /// <summary>
    /// Subscribes or ends the subscription, as <paramref name="desired"/> returns a handler or <c>null</c> when its turn has come: of several
    /// calls at the same time the last change counts. A round trip confirms it.
    /// </summary>
    public async Task AlignAsync(string subject, Func<IMessageHandler?> desired)
    {
        await _subscribing.WaitAsync(_endedToken);
        try
        {
            if (desired() is not { } handler)
            {
                await UnsubscribeInsideLockAsync(subject);
            }
            else if (!_subscriptions.ContainsKey(subject))
            {
                DirectSubscription subscription = new(_connection, subject, handler, this);
                await _connection.AddSubAsync(subscription, _endedToken);
                _subscriptions.Add(subject, subscription);
            }
        }
        finally
        {
            _subscribing.Release();
        }
    }

    /// <summary>Ends the subscriptions whose subjects begin with <paramref name="prefix"/> and are not desired.</summary>
    public async Task UnsubscribeExceptAsync(string prefix, Func<IReadOnlySet<string>> desired)
    {
        await _subscribing.WaitAsync(_endedToken);
        try
        {
            IReadOnlySet<string> kept = desired();
            string[] left =
            [
                .. _subscriptions.Keys.Where(subject => subject.StartsWith(prefix, StringComparison.Ordinal) && !kept.Contains(subject)),
            ];
            foreach (string subject in left)
            {
                await UnsubscribeInsideLockAsync(subject);
            }
        }
        finally
        {
            _subscribing.Release();
        }
    }

    /// <summary>Waits until all requests so far have a result, and closes the connection.</summary>
    public async Task FinishAsync()
    {
        foreach (PendingReply<Reply> request in _requests.Values)
        {
            await ((Task)request.Task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        foreach (PendingReply<bool> confirmation in _confirmations.Keys)
        {
            await ((Task)confirmation.Task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await DisposeAsync();
    }

    /// <summary>Ends the session: all requests fail, and may have been executed.</summary>
    public void End(string reason)
    {
        if (Interlocked.Exchange(ref _hasEnded, 1) != 0)
        {
            return;
        }

        _mayDeliver = false;
        _owner.OnSessionEnded(this, reason);
        _ended.Cancel();
        foreach ((long number, PendingReply<Reply> request) in _requests)
        {
            Fail(number, request, EndedError(isUnknown: true));
        }

        foreach (PendingReply<bool> confirmation in _confirmations.Keys)
        {
            confirmation.TryFail(EndedError(isUnknown: true));
        }

        _ = CloseAsync();
    }

    public async ValueTask DisposeAsync()
    {
        End("The session was closed.");
        await CloseAsync();
    }

    void IMessageHandler.OnMessage(string subject, string? replyTo, ReadOnlySequence<byte> header, ReadOnlySequence<byte> payload)
    {
        if (long.TryParse(subject.AsSpan(_replies.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            && _requests.TryRemove(number, out PendingReply<Reply>? request))
        {
            _timeouts.TryRemove(request);
            request.TryComplete(new Reply(header.ToArray(), payload.ToArray()));
        }
    }

    private async Task UnsubscribeInsideLockAsync(string subject)
    {
        if (_subscriptions.Remove(subject, out DirectSubscription? subscription))
        {
            await subscription.UnsubscribeAsync();
        }
    }

    private static bool IsFailure(Exception error)
        => error is NatsException or OperationCanceledException or ObjectDisposedException or InvalidOperationException;

    private static BrokerUnavailableException FailureOf(Exception error)
        => new($"NATS request failed: {error.Message}", isUnknown: error is not NatsPayloadTooLargeException, error);

    private static BrokerUnavailableException EndedError(bool isUnknown) => new("The connection to NATS was lost.", isUnknown);

    private async Task ObserveAsync(ValueTask sent, long number, PendingReply<Reply> request)
    {
        try
        {
            await sent;
        }
        catch (Exception error) when (IsFailure(error))
        {
            Fail(number, request, FailureOf(error));
        }
    }

    private void Fail(long number, PendingReply<Reply> request, BrokerUnavailableException error)
    {
        _requests.TryRemove(number, out _);
        _timeouts.TryRemove(request);
        request.TryFail(error);
    }

    private async Task PingAsync(PendingReply<bool> confirmation)
    {
        try
        {
            await _connection.PingAsync(_endedToken);
            confirmation.TryComplete(true);
        }
        catch (Exception error) when (IsFailure(error))
        {
            confirmation.TryFail(FailureOf(error));
        }
    }

    private async Task CloseAsync()
    {
        try
        {
            await _connection.DisposeAsync();
        }
        catch (Exception error) when (error is TimeoutException || IsFailure(error))
        {
            // With many subscriptions the library waits for each, and gives up; the socket is closed before.
        }
    }
}
