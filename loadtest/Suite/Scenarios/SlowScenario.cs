using System.Diagnostics;
using NBomber.Contracts;
using NBomber.CSharp;
using Weir.LoadTest.Activities;
using Weir.LoadTest.Client;
using Weir.LoadTest.Protocols;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Suite.Scenarios;

/// <summary>
/// Clients that stop reading while their room is flooded, beside other rooms. An iteration is the life of a slow one: when it
/// reads on it must find that it was closed as too slow, behind whole messages without a gap.
/// </summary>
internal static class SlowScenario
{
    private const string ClosedStep = "closed";
    private const int FastRooms = 4;

    // A close frame stands behind what the system's buffers hold.
    private static readonly TimeSpan _closedLimit = TimeSpan.FromSeconds(30);

    // So that the fast ones' latency is the flood's doing and not their own.
    private static readonly TimeSpan _fastInterval = TimeSpan.FromMilliseconds(50);

    public static SuiteScenario Definition { get; } = new("slow", static settings =>
    [
        Create(settings),
        FanoutScenario.Load("slow_beside", settings, FastRooms, _fastInterval),
    ])
    {
        RunsThroughFailures = true,
    };

    private static SuiteLoad Create(SuiteSettings settings)
    {
        SuiteTarget target = settings.Target.At("/ws");
        int rooms = 0;

        return new SuiteLoad(
            "slow",
            ClosedStep,
            async context =>
            {
                string room = $"flood-{Interlocked.Increment(ref rooms)}";
                await using SuiteConnection publisher = await SuiteConnection.OpenAsync(target, room);
                await using SuiteConnection slow = await SuiteConnection.OpenAsync(target, room, SlowClient.ReceiveBufferBytes);
                int published = await FloodAsync(publisher, room, settings.SlowFor);
                return await SuiteStep.RunAsync(
                    ClosedStep, context, () => ReadOnAsync(slow, published).WaitAsync(_closedLimit, TimeProvider.System));
            },
            [Simulation.KeepConstant(copies: settings.Slow, during: settings.During)]);
    }

    // How many messages that was.
    private static async Task<int> FloodAsync(SuiteConnection publisher, string room, TimeSpan time)
    {
        StampedFrame frame = new RawProtocol().Publish(room, SlowClient.FloodPayloadBytes);
        Pace pace = new(SlowClient.FloodRate);
        int published = 0;
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < time;)
        {
            if (pace.TryTake(out long due))
            {
                await publisher.SendAsync(frame.With(new Stamp(due, Room: 0, published++)).ToArray());
            }
            else
            {
                await Task.Delay(pace.Wait, TimeProvider.System);
            }
        }

        return published;
    }

    private static async Task<Response<object>> ReadOnAsync(SuiteConnection slow, int published)
    {
        SlowClient client = new();
        int last = -1;
        while (await slow.TryReceiveMessageAsync())
        {
            last = Stamp.TryRead(slow.Payload, out Stamp stamp) ? stamp.Number : -1;
            client.Deliver(last);
            if (last == published - 1)
            {
                return Response.Fail(statusCode: "not-closed", message: $"was not closed as too slow: it got the last of {published} messages");
            }
        }

        ConnectionEnd end = slow.End!.Value;
        return client.IsClosedAsSlow(end)
            ? Response.Ok(statusCode: $"{end.Code}")
            : Response.Fail(statusCode: $"{end.Code}", message: $"{end}{(client.HasGap ? ", behind a gap" : "")}, after message {last}");
    }
}
