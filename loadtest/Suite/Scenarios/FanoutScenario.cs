using NBomber.Contracts;
using NBomber.CSharp;
using Weir.LoadTest.Client;
using Weir.LoadTest.Protocols;

namespace Weir.LoadTest.Suite.Scenarios;

/// <summary>A message to a room, until the last of its members has it.</summary>
internal static class FanoutScenario
{
    public const string Name = "fanout";
    public const string RoundStep = "round";

    // A room for each copy.
    private const int Copies = 4;

    public static ScenarioProps Create(SuiteSettings settings)
    {
        SuiteTarget target = settings.Target.At("/ws");
        SuitePool<Room> rooms = new();
        byte[] frame = MaskedFrames.Make(ServerFrame.Text, RawProtocol.Padding(settings.PayloadBytes));

        return Scenario.Create(Name, async context =>
        {
            Room? room = rooms.Take();
            if (room is null)
            {
                return Response.Fail(message: "no room is free");
            }

            Response<object> round = await Step.Run(RoundStep, context, async () =>
            {
                await room.Publisher.SendAsync(frame);
                int[] received = await Task.WhenAll(room.Members.Select(static member => member.ReceiveMessageAsync()));
                return Array.TrueForAll(received, bytes => bytes == settings.PayloadBytes)
                    ? Response.Ok(sizeBytes: received.Sum())
                    : Response.Fail(message: "another message came");
            });
            if (round.IsError)
            {
                await room.DisposeAsync();
            }
            else
            {
                rooms.Put(room);
            }

            return round;
        })
        .WithInit(async _ =>
        {
            for (int i = 0; i < Copies; i++)
            {
                rooms.Put(await Room.OpenAsync(target, $"suite-{i}", settings.Members));
            }
        })
        .WithClean(_ => rooms.ClearAsync())
        .WithoutWarmUp()
        .WithLoadSimulations(Simulation.KeepConstant(copies: Copies, during: settings.During));
    }

    private sealed record Room(SuiteConnection Publisher, IReadOnlyList<SuiteConnection> Members) : IAsyncDisposable
    {
        public static async Task<Room> OpenAsync(SuiteTarget target, string name, int members)
        {
            List<SuiteConnection> opened = [];
            for (int i = 0; i <= members; i++)
            {
                opened.Add(await SuiteConnection.OpenAsync(target, name));
            }

            return new Room(opened[0], opened[1..]);
        }

        public async ValueTask DisposeAsync()
        {
            await Publisher.DisposeAsync();
            foreach (SuiteConnection member in Members)
            {
                await member.DisposeAsync();
            }
        }
    }
}
