using System.Diagnostics;
using System.Globalization;
using Weir.Brokers.File;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.File.Tests;

/// <summary>
/// A process that publishes is killed at a random moment, again and again, on the same folder: also while it starts, and while it writes a
/// snapshot. Nothing that it confirmed is lost.
/// </summary>
/// <param name="output">For the counts.</param>
public sealed class KillTests(ITestOutputHelper output)
{
    private static readonly HistoryQuery _everything = new(Since: null, Limit: -1);
    private static readonly RoomRule _rule = new() { HistorySize = 500, HistoryTtl = TimeSpan.Zero };

    // Each policy has a third of them; tests/File.Tests/kill.sh sets the number.
    private static int Kills => Environment.GetEnvironmentVariable("WEIR_FILE_KILLS") is { Length: > 0 } kills
        ? int.Parse(kills, CultureInfo.InvariantCulture) : 21;

    [Theory]
    [InlineData(FileSync.Always)]
    [InlineData(FileSync.Interval)]
    [InlineData(FileSync.Never)]
    public async Task KilledAtRandomPoints_NothingConfirmedIsLost(FileSync sync)
    {
        await using Store store = new();
        int seed = Environment.TickCount;
        Random random = new(seed);
        Dictionary<string, StreamPosition> last = [];
        int confirmed = 0, snapshots = 0, kills = (Kills + 2) / 3;
        for (int kill = 0; kill < kills; kill++)
        {
            // Every other one is alive until it has confirmed something, however long its start takes on a busy machine.
            List<Confirmed> round = await RunAndKillAsync(
                store.Folder, sync, kill, hasPublished: kill % 2 == 0, TimeSpan.FromMilliseconds(random.Next(0, 400)));
            snapshots += Directory.GetFiles(store.Folder, "snapshot-*.tmp").Length;
            confirmed += round.Count;
            await using FileBroker broker = new(new FileBrokerOptions { Path = store.Folder });
            await broker.StartAsync(new RecordingSink("test"), CancellationToken.None).Within();
            foreach (IGrouping<string, Confirmed> room in round.GroupBy(static each => each.Room))
            {
                RoomHistory history = await broker.ReadHistoryAsync(room.Key, _everything, _rule, CancellationToken.None).Within();
                Verify(history, [.. room]);
                last[room.Key] = room.Select(static each => each.Position).MaxBy(static position => position.Offset);
            }

            foreach ((string room, StreamPosition position) in last)
            {
                RoomHistory history = await broker.ReadHistoryAsync(room, new(null, 0), _rule, CancellationToken.None).Within();
                Assert.True(history.Top.Offset >= position.Offset, $"{room} is back at {history.Top} (seed {seed})");
            }
        }

        output.WriteLine($"{sync}: {kills} kills, {confirmed} confirmed, {snapshots} killed in a snapshot, seed {seed}");
        Assert.True(confirmed > 0, $"nothing was confirmed (seed {seed})");
    }

    private static void Verify(RoomHistory history, List<Confirmed> confirmed)
    {
        Dictionary<long, string> texts = history.Publications.ToDictionary(
            static publication => publication.Offset, static publication => publication.Text());
        long oldest = history.Publications[0].Offset;
        foreach (Confirmed each in confirmed)
        {
            Assert.True(history.Holds(each.Position), $"{each.Position} is unknown");
            if (each.Position.Offset >= oldest)
            {
                Assert.Equal(each.Text, texts.GetValueOrDefault(each.Position.Offset));
            }
        }

        // Dense but for the offsets that were skipped, one at a time.
        Assert.All(history.Publications.Zip(history.Publications.Skip(1)), static pair =>
            Assert.InRange(pair.Second.Offset - pair.First.Offset, 1, 2));
        Assert.InRange(history.Top.Offset - history.Publications[^1].Offset, 0, 1);
        Assert.Equal(confirmed.Count, confirmed.Select(static each => each.Position).Distinct().Count());
        Assert.Single(confirmed.Select(static each => each.Position.Epoch).Distinct());
        Assert.InRange(history.Publications.Count, 1, 500);
    }

    private static async Task<List<Confirmed>> RunAndKillAsync(string folder, FileSync sync, int round, bool hasPublished, TimeSpan life)
    {
        ProcessStartInfo start = new("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in (string[])[Path.Combine(AppContext.BaseDirectory, "Weir.FileWriter.dll"), folder, $"{sync}", $"{round}"])
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        List<Confirmed> confirmed = [];
        TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task reading = Task.Run(async () =>
        {
            while (await process.StandardOutput.ReadLineAsync() is { } line)
            {
                string[] parts = line.Split(' ', 4);
                if (parts is [var room, var epoch, var offset, var text] && text.Length > 0)
                {
                    confirmed.Add(new(room, new StreamPosition(epoch, long.Parse(offset, CultureInfo.InvariantCulture)), text));
                    first.TrySetResult();
                }
            }
        });
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (hasPublished)
        {
            await Task.WhenAny(first.Task, process.WaitForExitAsync()).Within();
        }

        await Task.WhenAny(process.WaitForExitAsync(), Task.Delay(life, TimeProvider.System, CancellationToken.None));
        Assert.True(!process.HasExited, process.HasExited ? await errors : "");
        Signals.Kill(process.Id);
        await process.WaitForExitAsync().Within();
        await reading.Within();
        return confirmed;
    }

    private sealed record Confirmed(string Room, StreamPosition Position, string Text);
}
