using Microsoft.Extensions.Time.Testing;
using Weir.Brokers.File;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;

namespace Weir.File.Tests;

/// <summary>A folder of a test, and the brokers on it, one after another.</summary>
internal sealed class Store : IAsyncDisposable
{
    public const string Room = "room";

    private readonly List<FileBroker> _brokers = [];

    public string Folder { get; } = Directory.CreateTempSubdirectory("weir-file-").FullName;

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public LogProbe Log { get; } = new();

    /// <summary>The disk under brokers that are opened from now on.</summary>
    public FakeDisk Disk { get; } = new();

    public RoomRule Rule { get; init; } = new() { HistorySize = 100, HistoryTtl = TimeSpan.FromMinutes(10) };

    public RecordingSink Sink { get; private set; } = new("");

    /// <summary>The files of a kind, by name.</summary>
    public IReadOnlyList<string> Files(string kind) => [.. Directory.GetFiles(Folder, kind + "-*").Order(StringComparer.Ordinal)];

    public async Task<FileBroker> OpenAsync(Action<FileBrokerOptions>? configure = null)
    {
        FileBrokerOptions options = new() { Path = Folder };
        configure?.Invoke(options);
        FileBroker broker = new(options, Log, Time, meters: null, Disk.Create);
        _brokers.Add(broker);
        Sink = new RecordingSink("node");
        await broker.StartAsync(Sink, CancellationToken.None).Within();
        return broker;
    }

    public Task<StreamPosition> PublishAsync(FileBroker broker, string text, RoomRule? rule = null, string room = Room)
        => broker.PublishAsync(room, text.ToPublication(), rule ?? Rule, CancellationToken.None).Within();

    public async Task<StreamPosition> PublishAllAsync(FileBroker broker, params IEnumerable<string> texts)
    {
        StreamPosition position = default;
        foreach (string text in texts)
        {
            position = await PublishAsync(broker, text);
        }

        return position;
    }

    public Task<RoomHistory> ReadAsync(FileBroker broker, string room = Room)
        => broker.ReadHistoryAsync(room, new HistoryQuery(null, -1), Rule, CancellationToken.None).Within();

    public async Task<IReadOnlyList<string>> TextsAsync(FileBroker broker, string room = Room)
        => [.. (await ReadAsync(broker, room)).Publications.Select(static publication => publication.Text())];

    public async ValueTask DisposeAsync()
    {
        foreach (FileBroker broker in _brokers)
        {
            await broker.DisposeAsync();
        }

        Directory.Delete(Folder, recursive: true);
    }
}
