using Weir.Client.Centrifugo;
using Weir.Client.Events;
using Weir.Client.Reconnecting;
using Weir.Client.Timing;
using Weir.Client.Transport;

namespace Weir.Client;

// Consecutive connections, and the token they need.
public sealed partial class CentrifugoClient : ISessions, ISessionOwner
{
    private readonly Refreshes _refreshes = new();

    async Task<ConnectionEnd> ISessions.ServeAsync(IClientConnection connection, string? token, CancellationToken stop)
    {
        using ProtocolConnection session = new(this, connection, _queue, _protocol);
        uint id = NextId();
        try
        {
            return await session.RunAsync(id, CommandWriter.Connect(id, token, _protocol, ServerPositions()), stop);
        }
        finally
        {
            Interrupt(session);
        }
    }

    bool ISessions.MayReturn(ConnectionEnd end, bool hasConnected)
        => CentrifugoRules.MayReturn(end, _options.GetToken is not null, hasConnected);

    bool ISessions.TokenIsBad(ConnectionEnd end) => CentrifugoRules.TokenIsBad(end);

    ValueTask ISessions.RaiseAsync(ClientEvent what) => _inbox.AddAsync(what, _loop.Stopping);

    void ISessions.Finish(ConnectionEnd end, Exception? error)
    {
        _queue.Close(end.ToString());
        _queue.Dispose();
        Subscription[] left;
        lock (_gate)
        {
            _end = end;
            left = [.. _subscriptions.Values];
        }

        foreach (Subscription subscription in left)
        {
            End(subscription, end, error);
        }

        _inbox.Complete(new Closed(end), error);
    }

    private void End(Subscription subscription, ConnectionEnd end, Exception? error = null)
        => End(subscription, end.CloseCode != 0 ? end.CloseCode : end.ErrorCode, end.ToString(), error);

    void ISessionOwner.OnConnected(ProtocolConnection session, ConnectReply result)
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
            session.Watch(RefreshAsync(session, _refreshes.After(result.TimeToLive)));
        }

        _inbox.TryAdd(connected); // after the work above: its delays start before the application is notified
        OnServerChannels(result.Channels);
    }

    private async Task RefreshAsync(ProtocolConnection session, TimeSpan delay)
    {
        while (true)
        {
            await _options.TimeProvider.DelayAsync(delay, session.Over);
            if (session.Over.IsCancellationRequested)
            {
                return;
            }

            string? token;
            try
            {
                token = await TokenCall.AskAsync(_options.GetToken!, _options.TokenTimeout, _options.TimeProvider, session.Over);
            }
            catch (Exception) when (!session.Over.IsCancellationRequested)
            {
                // The old token is still valid for a moment: retry soon. At its end the server closes the connection, with the
                // reason why the client cannot reconnect.
                delay = Refreshes.AfterFailure;
                continue;
            }
            catch (Exception)
            {
                return; // the connection has ended anyway
            }

            if (token is null)
            {
                session.Fail(new ConnectionEnd(EndKind.NoToken) { Reason = "the callback returned no token" });
                return;
            }

            _loop.UseToken(token);
            uint id = NextId();
            session.Send(new OwnCommand(
                id,
                CommandWriter.Refresh(id, token),
                reply => OnRefreshed(session, reply),
                () => session.Watch(RefreshAsync(session, Refreshes.AfterFailure))));
            return;
        }
    }

    private void OnRefreshed(ProtocolConnection session, Reply reply)
    {
        if (reply.Error is { } error)
        {
            if (CentrifugoRules.IsTemporary(error.Code, error.IsTemporary))
            {
                session.Watch(RefreshAsync(session, Refreshes.AfterFailure));
                return;
            }

            session.Fail(new ConnectionEnd(EndKind.Rejected) { ErrorCode = error.Code, Reason = error.Message });
            return;
        }

        ConnectReply result = ReplyReader.ReadConnect(reply.Result);
        if (result.Expires && _options.GetToken is not null)
        {
            session.Watch(RefreshAsync(session, _refreshes.After(result.TimeToLive)));
        }
    }
}
