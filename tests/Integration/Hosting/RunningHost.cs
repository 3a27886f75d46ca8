using Weir.Integration.Hosting;
using Weir.TestSupport.Processes;
using Xunit;

[assembly: AssemblyFixture(typeof(RunningHost))]

namespace Weir.Integration.Hosting;

/// <summary>One Host with its default settings but for the heartbeat, which is off; shared by all tests that change nothing.</summary>
public sealed class RunningHost : IAsyncLifetime
{
    private HostProcess? _process;

    internal HostProcess Process => _process!;

    public async ValueTask InitializeAsync() => _process = await HostProcess.StartAsync();

    public ValueTask DisposeAsync() => _process!.DisposeAsync();
}
