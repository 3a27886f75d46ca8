using System.Globalization;
using System.Text;
using Weir.Brokers.File;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;

// A process to be killed: publishes to the store in a folder without end, several at a time, and writes a line for each publication that is
// confirmed. Arguments: folder, policy, a prefix of the texts.
string folder = args[0], prefix = args[2];
FileBroker broker = new(new FileBrokerOptions
{
    Path = folder,
    Sync = Enum.Parse<FileSync>(args[1]),
    SyncInterval = TimeSpan.FromMilliseconds(20),
    CompactAfterBytes = 16 << 10, // many snapshots in a short life
});
await broker.StartAsync(new RecordingSink("writer"), CancellationToken.None);
using Stream output = Console.OpenStandardOutput();
Lock gate = new();
await Task.WhenAll(Enumerable.Range(0, 4).Select(room => Task.Run(() => PublishAsync($"room{room}", durable: room % 2 == 0))));

async Task PublishAsync(string room, bool durable)
{
    RoomRule rule = new() { HistorySize = 500, HistoryTtl = TimeSpan.Zero, Durable = durable };
    for (int i = 0; ; i += 8)
    {
        await Task.WhenAll(Enumerable.Range(i, 8).Select(async number =>
        {
            string text = string.Create(CultureInfo.InvariantCulture, $"{prefix}:{room}:{number}:{new string('x', number * 7 % 300)}");
            (string epoch, long offset) = await broker.PublishAsync(room, text.ToPublication(), rule, CancellationToken.None);
            Report(string.Create(CultureInfo.InvariantCulture, $"{room} {epoch} {offset} {text}\n"));
        }));
        if (i % 64 == 0)
        {
            await broker.SkipAsync(room, rule, CancellationToken.None);
        }
    }
}

// One write for each line: what the other end of the pipe has when this process is killed is whole.
void Report(string line)
{
    lock (gate)
    {
        output.Write(Encoding.UTF8.GetBytes(line));
    }
}
