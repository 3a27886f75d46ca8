using System.Diagnostics;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Integration.Servers;

public sealed class ProcessGuardTests
{
    [Fact]
    public async Task End_OfTheGuard_EndsAProcessThatATestLeftBehind_WithItsChildren()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The guard reads /proc.");
        string id = Guid.NewGuid().ToString("N");
        ProcessGuard guard = new("WEIR_TEST_OF_THE_GUARD", id);
        ProcessStartInfo start = new("sh", ["-c", "sleep 600 & echo $!; wait"]) { RedirectStandardOutput = true };
        start.Environment["WEIR_TEST_OF_THE_GUARD"] = id;
        using Process left = Process.Start(start)!;
        Assert.NotNull(await left.StandardOutput.ReadLineAsync().Within()); // the child runs

        guard.Dispose();

        await left.WaitForExitAsync().Within();
        Assert.Empty(await left.StandardOutput.ReadToEndAsync().Within()); // ends when the child, which inherited it, has ended
    }
}
