using Microsoft.Extensions.Time.Testing;
using Weir.Client.Events;
using Weir.Client.Tests.Fakes;
using Weir.Testing;
using Xunit;

namespace Weir.Client.Tests.Reconnecting;

/// <summary>A thousand clients, and a server that is down: the number of attempts.</summary>
public sealed class OutageTests
{
    private const int Clients = 1000;

    // Without a random part the n-th attempt is made after 0, 1, 3, 7, 15, 31, 61, 91 s and so on; with one it is later, by at most
    // a second per wait. So within the first 120 s at most eight of each client, and at least seven.
    [Fact]
    public async Task ServerIsDown_ForTwoMinutes_IsTriedAsOftenAsCalculated()
    {
        FakeTimeProvider time = new();
        FakeTransport transport = new() { Failure = new ConnectionEnd(EndKind.Unreachable) };
        Random random = new(8);
        int waits = 0;
        RelayClient[] clients = [.. Enumerable.Range(0, Clients).Select(_ => new RelayClient(new Uri("ws://down.example/ws"), "room", new RelayClientOptions
        {
            Transport = transport,
            TimeProvider = time,
            NextRandom = NextRandom,
        }))];
        foreach (RelayClient client in clients)
        {
            client.EventOccurred += what => Interlocked.Add(ref waits, what is Disconnected ? 1 : 0);
            client.Start();
        }

        await Bounded.Eventually(() => Volatile.Read(ref waits) == Clients);
        List<int> perSecond = [transport.Attempts];
        for (int second = 1; second <= 120; second++)
        {
            int before = transport.Attempts;
            for (int step = 0; step < 10; step++)
            {
                time.Advance(TimeSpan.FromMilliseconds(100));
                // Each attempt that was due has failed, and the wait after it has begun.
                await Bounded.Eventually(() => Volatile.Read(ref waits) == transport.Attempts
                    && clients.All(static client => client.State == ClientState.Waiting));
            }

            perSecond.Add(transport.Attempts - before);
        }

        Assert.InRange(transport.Attempts, 7 * Clients, 8 * Clients);
        // The random parts add up: from one attempt to the next the clients spread further.
        Assert.InRange(perSecond[60..].Max(), 1, Clients / 2);
        foreach (RelayClient client in clients)
        {
            await client.DisposeAsync();
        }

        double NextRandom()
        {
            lock (random)
            {
                return random.NextDouble();
            }
        }
    }
}
