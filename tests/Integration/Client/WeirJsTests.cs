using Weir.Integration.Hosting;
using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Client;

/// <summary>The browsers' client at <c>/weir.js</c>. The steps are in clients/weir-js.mjs, which prints one line for each.</summary>
public sealed class WeirJsTests(RunningHost shared)
{
    /// <summary>A cold Chromium on a busy machine takes many seconds to show its first page.</summary>
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task File_IsServedAsAScript()
    {
        using HttpClient http = new() { BaseAddress = shared.Process.Addresses[0] };
        using HttpResponseMessage response = await http.GetAsync("/weir.js").Within();

        Assert.Equal("text/javascript; charset=utf-8", response.Content.Headers.ContentType?.ToString());
    }

    [Fact]
    public async Task InNode_AllChecksHold() => await RunAsync("node", $"{shared.Process.Addresses[0]}");

    [Fact]
    public async Task InChromium_AllChecksHold()
    {
        // The page that goes through the browser's cache is of another origin.
        await using HostProcess host = await HostProcess.StartAsync(("Weir__Origins", "*"));

        await RunAsync("browser", $"{host.Addresses[0]}", $"{host.Id}");
    }

    private static async Task RunAsync(params string[] arguments)
    {
        await using ChildProcess node = ChildProcess.Start("node", ["weir-js.mjs", .. arguments], Repository.Clients);
        try
        {
            int exitCode = await node.ExitCodeAsync().Within(_limit);
            Assert.True(exitCode == 0, $"weir-js.mjs ended with {exitCode}:\n{node.Output}");
        }
        catch (TimeoutException error)
        {
            throw new TimeoutException($"weir-js.mjs did not end in time; it got this far:\n{node.Output}", error);
        }
    }
}
