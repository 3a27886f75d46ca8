using Weir.Client.Centrifugo;
using Weir.Client.Reconnecting;
using Weir.Client.Transport;

namespace Weir.Client;

// Connections, one after another, and the token they need.
public sealed partial class CentrifugoClient : ISessions, ISessionOwner
{
    // For servers that say a token has less time left than it takes to ask for another.
    private static readonly TimeSpan _leastRefresh = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _refreshAgain = TimeSpan.FromSeconds(5);

    async Task<ConnectionEnd> ISessions.ServeAsync(IClientConnection connection, string? token, CancellationToken stop)
    {
        using Session session = new(this, connection, _queue, _options);
        uint id = NextId();
        try
        {
            return await session.RunAsync(id, CommandWriter.Connect(id, token, _options), stop);
        }
        finally
        {
            Interrupt(session);
        }
    }

    bool ISessions.MayReturn(ConnectionEnd end) => CentrifugoRules.MayReturn(end, _options.GetToken is not null);

    bool ISessions.TokenIsBad(ConnectionEnd end) => CentrifugoRules.TokenIsBad(end);

    ValueTask ISessions.RaiseAsync(ClientEvent what) => _inbox.AddAsync(what, _loop.Stopping);

    void ISessions.Finish(ConnectionEnd end, Exception? error)
    {
        _queue.Close(end.ToString());
        Subscription[] left;
        lock (_gate)
        {
            left = [.. _subscriptions.Values];
        }

        foreach (Subscription subscription in left)
        {
            End(subscription, end.CloseCode != 0 ? end.CloseCode : end.ErrorCode, end.ToString(), error);
        }

        _inbox.Complete(error);
    }

    void ISessionOwner.OnConnected(Session session, ConnectResult result)
    {
        Subscription[] all;
        lock (_gate)
        {
            _session = session;
            all = [.. _subscriptions.Values];
        }

        Connected connected = _loop.Opened();
        foreach (Subscription subscription in all)
        {
            session.Watch(SubscribeAsync(subscription, session, TimeSpan.Zero));
        }

        if (result.Expires && _options.GetToken is not null)
        {
            session.Watch(RefreshAsync(session, result.TimeToLive));
        }

        _inbox.TryAdd(connected); // last: what is due later is due from before anybody hears of it
    }

    // A tenth before the end, at most ten seconds: the server may be as strict as it likes.
    private static TimeSpan RefreshAfter(TimeSpan timeToLive)
    {
        TimeSpan early = TimeSpan.FromTicks(Math.Min(timeToLive.Ticks / 10, TimeSpan.TicksPerSecond * 10));
        return timeToLive - early > _leastRefresh ? timeToLive - early : _leastRefresh;
    }

    private async Task RefreshAsync(Session session, TimeSpan timeToLive)
    {
        TimeSpan delay = RefreshAfter(timeToLive);
        while (true)
        {
            await Task.Delay(delay, _options.TimeProvider, session.Over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (session.Over.IsCancellationRequested)
            {
                return;
            }

            string? token;
            try
            {
                token = await _options.GetToken!(session.Over);
            }
            catch (Exception) when (!session.Over.IsCancellationRequested)
            {
                // The old token is good for a moment more: asked again soon, and at the end the server closes the connection, which
                // then says why it cannot come back.
                delay = _refreshAgain;
                continue;
            }
            catch (Exception)
            {
                return; // the connection has ended anyway
            }

            if (token is null)
            {
                session.Fail(new ConnectionEnd(EndKind.NoToken) { Reason = "the callback brought no token" });
                return;
            }

            _loop.UseToken(token);
            uint id = NextId();
            session.Send(new OwnCommand(id, CommandWriter.Refresh(id, token), reply => OnRefreshed(session, reply), () => session.Watch(RefreshAsync(session, _refreshAgain))));
            return;
        }
    }

    private void OnRefreshed(Session session, Reply reply)
    {
        if (reply.Error is { } error)
        {
            if (CentrifugoRules.IsTemporary(error.Code, error.IsTemporary))
            {
                session.Watch(RefreshAsync(session, _refreshAgain));
                return;
            }

            session.Fail(new ConnectionEnd(EndKind.Rejected) { ErrorCode = error.Code, Reason = error.Message });
            return;
        }

        ConnectResult result = ReplyReader.ReadConnect(reply.Result);
        if (result.Expires)
        {
            session.Watch(RefreshAsync(session, result.TimeToLive));
        }
    }
}
