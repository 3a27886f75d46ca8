using System.Collections.Concurrent;
using System.Diagnostics;
using Weir.Client;
using Weir.Client.Events;

namespace Weir.Integration.Deploy;

/// <summary>Many clients over wss, each in one room, with all that each has received and when it reconnected.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    private const int AtOnce = 100;

    private readonly ConcurrentQueue<long> _connected = [];
    private readonly ConcurrentQueue<long> _lost = [];
    private readonly List<(CentrifugoClient Client, Listener Listener)> _members = [];

    public int Count => _members.Count;

    /// <summary>How many stand in their rooms.</summary>
    public int Standing => _members.Count(static member => member.Listener.Subscription.IsSubscribed);

    public IEnumerable<Listener> Listeners => _members.Select(static member => member.Listener);

    public static async Task<Fleet> StartAsync(Uri endpoint, int clients, int rooms, TimeSpan limit)
    {
        Fleet fleet = new();
        for (int n = 0; n < clients; n++)
        {
            fleet.Add(endpoint, RoomOf(n % rooms));
            if (n % AtOnce == AtOnce - 1 || n == clients - 1)
            {
                await Testing.Bounded.Eventually(() => fleet.Standing == fleet.Count, limit, $"{n + 1} clients stand in their rooms");
            }
        }

        return fleet;
    }

    public static string RoomOf(int room) => $"room{room}";

    /// <summary>Discards the reconnects so far.</summary>
    public void BeginPhase()
    {
        _connected.Clear();
        _lost.Clear();
    }

    /// <summary>The reconnects in each second since the first.</summary>
    public int[] Curve()
    {
        long[] at = [.. _connected.Order()];
        return at.Length == 0 ? [] : [.. Enumerable.Range(0, (int)Stopwatch.GetElapsedTime(at[0], at[^1]).TotalSeconds + 1)
            .Select(second => at.Count(each => (int)Stopwatch.GetElapsedTime(at[0], each).TotalSeconds == second))];
    }

    /// <summary>The most reconnects within one second, wherever it begins.</summary>
    public int PeakOfReturns() => Peak(_connected);

    /// <summary>The most that lost their connection, or tried in vain to make one, within one second.</summary>
    public int PeakOfLosses() => Peak(_lost);

    public async ValueTask DisposeAsync() => await Parallel.ForEachAsync(_members, async (member, _) => await member.Client.DisposeAsync());

    private static int Peak(ConcurrentQueue<long> times)
    {
        long[] at = [.. times.Order()];
        int peak = 0;
        for (int first = 0, last = 0; last < at.Length; last++)
        {
            while (at[last] - at[first] >= Stopwatch.Frequency)
            {
                first++;
            }

            peak = Math.Max(peak, last - first + 1);
        }

        return peak;
    }

    private void Add(Uri endpoint, string room)
    {
        CentrifugoClientOptions options = new()
        {
            ConfigureSocket = static socket => socket.RemoteCertificateValidationCallback = static (_, certificate, _, _)
                => certificate is not null,
        };
        CentrifugoClient client = new(endpoint, options);
        client.EventOccurred += what =>
        {
            if (what is Connected or Disconnected)
            {
                (what is Connected ? _connected : _lost).Enqueue(Stopwatch.GetTimestamp());
            }
        };
        _members.Add((client, new Listener(client.Subscribe(room))));
        client.Start();
    }

    /// <summary>What one client has received in its room. Its handler is called by one task at a time.</summary>
    internal sealed class Listener
    {
        private long _first = -1;
        private long _last;

        public Listener(Subscription subscription)
        {
            Subscription = subscription;
            subscription.EventOccurred += Record;
        }

        public Subscription Subscription { get; }

        public long Last => Volatile.Read(ref _last);

        /// <summary>What should not have happened: a gap, a repetition, a loss.</summary>
        public ConcurrentQueue<string> Complaints { get; } = [];

        private void Record(SubscriptionEvent what)
        {
            switch (what)
            {
                case Subscribed { Position: { } position } when _first < 0:
                    _first = (long)position.Offset;
                    _last = _first;
                    break;
                case Subscribed { Recovered: false }:
                    Complaints.Enqueue($"{Subscription.Channel}: not recovered after {_last}");
                    break;
                case PositionLost:
                    Complaints.Enqueue($"{Subscription.Channel}: lost after {_last}");
                    break;
                case PublicationReceived { Publication.Offset: var offset }:
                    if ((long)offset != _last + 1)
                    {
                        Complaints.Enqueue($"{Subscription.Channel}: {offset} after {_last}");
                    }

                    Volatile.Write(ref _last, (long)offset);
                    break;
            }
        }
    }
}
