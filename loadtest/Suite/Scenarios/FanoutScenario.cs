using System.Diagnostics;
using NBomber.Contracts;
using NBomber.CSharp;
using Weir.LoadTest.Client;
using Weir.LoadTest.Protocols;

namespace Weir.LoadTest.Suite.Scenarios;

/// <summary>A message to a room, until the last of its members has it.</summary>
internal static class FanoutScenario
{
    private const int Rooms = 4;
    private const string RoundStep = "round";

    public static SuiteScenario Definition { get; } = new("fanout", static settings => [Load("fanout", settings, Rooms, TimeSpan.Zero)])
    {
        IsOfDefault = true,
    };

    /// <summary>The same as a companion.</summary>
    /// <param name="rooms">A copy for each.</param>
    /// <param name="interval">Between two messages to a room; zero: each follows when the last member has the one before.</param>
    public static SuiteLoad Load(string name, SuiteSettings settings, int rooms, TimeSpan interval)
    {
        SuiteTarget target = settings.Target.At("/ws");
        SuitePool<Room> pool = new(number => Room.OpenAsync(target, $"{name}-{number}", settings.Members));
        byte[] frame = MaskedFrames.Make(ServerFrame.Text, RawProtocol.Padding(settings.PayloadBytes));

        return new SuiteLoad(
            name,
            RoundStep,
            context => pool.UseAsync(async room =>
            {
                long began = Stopwatch.GetTimestamp();
                Response<object> round = await SuiteStep.RunAsync(RoundStep, context, async () =>
                {
                    await room.Publisher.SendAsync(frame);
                    int[] received = await Task.WhenAll(room.Members.Select(static member => member.ReceiveMessageAsync()));
                    return Array.TrueForAll(received, bytes => bytes == settings.PayloadBytes)
                        ? Response.Ok(sizeBytes: received.Sum())
                        : Response.Fail(statusCode: "size", message: "another message came");
                });
                TimeSpan rest = interval - Stopwatch.GetElapsedTime(began);
                if (rest > TimeSpan.Zero)
                {
                    await Task.Delay(rest, TimeProvider.System);
                }

                return round;
            }),
            [Simulation.KeepConstant(copies: rooms, during: settings.During)])
        {
            Init = () => pool.FillAsync(rooms),
            Clean = pool.ClearAsync,
        };
    }

    private sealed record Room(SuiteConnection Publisher, IReadOnlyList<SuiteConnection> Members) : IAsyncDisposable
    {
        public static async Task<Room> OpenAsync(SuiteTarget target, string name, int members)
        {
            List<SuiteConnection> opened = [];
            try
            {
                for (int i = 0; i <= members; i++)
                {
                    opened.Add(await SuiteConnection.OpenAsync(target, name));
                }

                return new Room(opened[0], opened[1..]);
            }
            catch
            {
                foreach (SuiteConnection connection in opened)
                {
                    await connection.DisposeAsync();
                }

                throw;
            }
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
