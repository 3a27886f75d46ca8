using Weir.Integration.Servers;
using Weir.Testing;
using Xunit;

namespace Weir.Integration;

/// <summary>
/// The page at <c>/</c> in a real browser. The steps are in clients/browser.mjs, which prints one line for each.
/// </summary>
public sealed class BrowserTests
{
    /// <summary>A cold Chromium on a busy machine takes many seconds to show its first page.</summary>
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Page_TwoWindowsOfOneRoom_ChatAndShowTheServersEnd()
    {
        await using BrowserHost host = await BrowserHost.StartAsync();
        await using ChildProcess browser = ChildProcess.Start(
            "node", ["browser.mjs", host.Url, $"{host.ProcessId}"], ClientsDirectory());

        int exitCode = await ExitCodeOf(browser);

        Assert.True(exitCode == 0, $"browser.mjs ended with {exitCode}:\n{browser.Output}");
        Assert.NotNull(browser.LineStartingWith("all checks hold"));
        Assert.Equal(0, await host.ExitCodeAsync());
    }

    private static async Task<int> ExitCodeOf(ChildProcess browser)
    {
        try
        {
            return await browser.ExitCodeAsync().Within(_limit);
        }
        catch (TimeoutException error)
        {
            throw new TimeoutException($"browser.mjs did not end in time; it got this far:\n{browser.Output}", error);
        }
    }

    private static string ClientsDirectory()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Perf.sln")))
        {
            root = root.Parent;
        }

        Assert.NotNull(root);
        string clients = Path.Combine(root.FullName, "tests", "Integration", "clients");
        Assert.True(Directory.Exists(Path.Combine(clients, "node_modules")), $"Run 'npm ci' in {clients} first.");
        return clients;
    }
}
