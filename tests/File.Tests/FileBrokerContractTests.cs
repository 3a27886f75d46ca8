using Microsoft.Extensions.Time.Testing;
using Weir.Brokers.File;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Xunit;

namespace Weir.File.Tests;

/// <summary>What every broker must do, done in a folder.</summary>
public abstract class FileBrokerContractTests(FileSync sync) : BrokerContract
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _folders = [];

    public static TheoryData<string> Cases => [.. CaseNames];

    [Theory]
    [MemberData(nameof(Cases))]
    public Task Contract(string name) => RunAsync(name);

    protected override ValueTask<IBroker> CreateAsync()
    {
        _folders.Add(Directory.CreateTempSubdirectory("weir-file-").FullName);
        return new(new FileBroker(new FileBrokerOptions { Path = _folders[^1], Sync = sync }, time: _time));
    }

    protected override Task PassAsync(TimeSpan time)
    {
        _time.Advance(time);
        return Task.CompletedTask;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folders.ForEach(static folder => Directory.Delete(folder, recursive: true));
        GC.SuppressFinalize(this);
    }
}

public sealed class IntervalContractTests() : FileBrokerContractTests(FileSync.Interval);

public sealed class AlwaysContractTests() : FileBrokerContractTests(FileSync.Always);

public sealed class NeverContractTests() : FileBrokerContractTests(FileSync.Never);
