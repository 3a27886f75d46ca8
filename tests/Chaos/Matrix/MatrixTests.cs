using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Chaos.Matrix;

/// <summary>
/// Every protocol and transport under every fault, with one check: a listener received a contiguous part of the room's log, in order,
/// once; a gap is preceded by its protocol's notification of a loss; the answers to publishers are correct.
/// </summary>
[Collection(ChaosTests.Chaos)]
public sealed class MatrixTests(ITestOutputHelper output)
{
    /// <summary>Those of every run, or all whose names contain the environment variable <c>WEIR_MATRIX_FAULT</c>.</summary>
    public static TheoryData<string> Faults =>
    [
        .. Fault.All
            .Where(static fault => World.LongForm is { } part ? fault.Name.Contains(part, StringComparison.OrdinalIgnoreCase)
                : fault.IsInEveryRun)
            .Select(static fault => fault.Name),
    ];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Listener_OfEveryWay_HasAllInOrderOnce_OrIsNotified(string name)
    {
        Fault fault = Fault.All.First(fault => fault.Name == name);
        await using World world = await World.StartAsync(fault);

        Outcome outcome;
        try
        {
            outcome = await RunAsync(world, fault);
        }
        catch
        {
            output.WriteLine(world.Fleet.Output);
            throw;
        }

        output.WriteLine(outcome.ToString());
        if (Environment.GetEnvironmentVariable("WEIR_MATRIX_REPORT") is { Length: > 0 } path)
        {
            await File.AppendAllTextAsync(path, $"{outcome.ToHead()}\n{outcome.ToRow(fault)}\n{Summarize(outcome, fault)}");
        }

        if (outcome.Violations.Count > 0)
        {
            output.WriteLine(Summarize(outcome, fault));
            output.WriteLine(string.Join('\n', outcome.Violations.Take(20)));
            output.WriteLine(world.Fleet.Output);
        }

        Assert.Empty(outcome.Violations.Take(20));
        Assert.All(outcome.Ways, static way => Assert.True(way.Report.Deliveries > 10, way.Way.Name));
    }

    private static string Summarize(Outcome outcome, Fault fault)
        => string.Concat(Violation.Summarize(outcome.Violations).Select(line => $"- {fault.Name}: {line}\n"));

    private static async Task<Outcome> RunAsync(World world, Fault fault)
    {
        List<Publisher> publishers =
        [
            .. Enumerable.Range(0, world.Fleet.Count).Select(node => new Publisher(
                world.Fleet, node, world.Rooms, (room, number) => Message.Of(room, $"api{node}", number))),
        ];
        using CancellationTokenSource enough = new();
        List<(string Room, string Text)> confirmed = [];
        Task publishing = Task.WhenAll(
        [
            .. publishers.Select(publisher => Task.Run(() => publisher.RunAsync(enough.Token))),
            .. world.Publishers.Select((client, i) => PublishAsync(client, $"sdk{i}", confirmed, enough.Token)),
            .. world.RawPublishers.Select((client, i) => PublishAsync(client, $"raw{i}", enough.Token)),
        ]);

        Task time = Task.Delay(Timeline.Traffic, TimeProvider.System, CancellationToken.None);
        await Task.Delay(Timeline.Traffic / 3, TimeProvider.System, CancellationToken.None);
        await fault.InjectAsync(world);
        await time;
        await Task.Delay(Timeline.Traffic / 3, TimeProvider.System, CancellationToken.None);
        await enough.CancelAsync();
        await publishing.Within(Timeline.Limit);

        // One more to each room, confirmed: a listener that has it has all before it, or was notified.
        foreach (string room in world.Rooms)
        {
            await EndAsync(world, room, publishers[^1]);
        }

        // A node leaves out a number for messages that have none as soon as the broker permits it, which may be after the end.
        long start = TimeProvider.System.GetTimestamp();
        while (FindMissing(world).Count > 0 && TimeProvider.System.GetElapsedTime(start) < Timeline.Limit)
        {
            await Task.Delay(TimeSpan.FromSeconds(0.5), TimeProvider.System, CancellationToken.None);
        }

        await world.StopListenersAsync();
        return Outcome.Of(world, publishers, confirmed);
    }

    private static List<Violation> FindMissing(World world)
    {
        List<Violation> missing = [];
        ReceiptCheck.FindMissing([.. world.Listeners.SelectMany(static listener => listener.Accounts)], missing);
        return missing;
    }

    private static async Task EndAsync(World world, string room, Publisher publisher)
    {
        string text = "";
        Position? end = null;
        int attempt = 0;
        async Task<bool> TryAsync() => (end = await publisher.TryPublishAsync(room, text = Message.Of(room, "end", attempt++))) is not null;
        bool IsMissing(ClientListener listener) => listener.Rooms.Contains(room) && !listener.HasPassed(room, end!.Value, text);
        await Waiting.UntilAsync(TryAsync, $"{room} can be published to", Timeline.Limit);
        try
        {
            // A raw member that was not connected at that moment never has it: then another message, until one finds all of them there.
            await Bounded.Eventually(() => !world.Listeners.Any(listener => listener.Way.HasPositions && IsMissing(listener)),
                Timeline.Limit);
            long start = TimeProvider.System.GetTimestamp();
            while (world.Listeners.Any(IsMissing))
            {
                if (TimeProvider.System.GetElapsedTime(start) > Timeline.Limit)
                {
                    throw new TimeoutException("Raw members do not return.");
                }

                await Task.Delay(TimeSpan.FromSeconds(0.5), TimeProvider.System, CancellationToken.None);
                if (world.Listeners.Any(IsMissing))
                {
                    await Waiting.UntilAsync(TryAsync, $"{room} can be published to", Timeline.Limit);
                }
            }
        }
        catch (TimeoutException error)
        {
            throw new TimeoutException(
                $"Not given {text} ({end}) within {Timeline.Limit}: {string.Join(", ", world.Listeners.Where(IsMissing))}", error);
        }
    }

    private static async Task PublishAsync(
        CentrifugoClientListener client, string name, List<(string Room, string Text)> confirmed, CancellationToken enough)
    {
        string room = client.Rooms[0];
        for (int number = 0; !enough.IsCancellationRequested; number++)
        {
            string text = Message.Of(room, name, number);
            if (await client.PublishAsync(text, CancellationToken.None))
            {
                lock (confirmed)
                {
                    confirmed.Add((room, text));
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, enough)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task PublishAsync(RawMember client, string name, CancellationToken enough)
    {
        for (int number = 0; !enough.IsCancellationRequested; number++)
        {
            await client.PublishAsync(Message.Of(client.Rooms[0], name, number), CancellationToken.None);
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, enough)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
