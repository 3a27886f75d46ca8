using System.Diagnostics;
using Weir.Integration.Hosting;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Client;

/// <summary>The program that docs/guides/client.md shows.</summary>
public sealed class SampleTests(RunningHost host)
{
    [Fact]
    public async Task Sample_SendsAndReceivesWhatIsTyped()
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Weir.Samples.Client.dll");
        using Process sample = Process.Start(new ProcessStartInfo("dotnet", [program, $"ws://127.0.0.1:{host.Process.Port}/connection/websocket", "sample"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = Repository.Root,
        })!;
        try
        {
            while (await sample.StandardOutput.ReadLineAsync().Within(Bounded.StartLimit) != "* subscribed")
            {
                // First it connects.
            }

            await sample.StandardInput.WriteLineAsync("hello");
            Assert.EndsWith(": hello", await sample.StandardOutput.ReadLineAsync().Within(Bounded.StartLimit), StringComparison.Ordinal);
            sample.StandardInput.Close();
            Assert.Equal("* unsubscribed", await sample.StandardOutput.ReadLineAsync().Within(Bounded.StartLimit));
            await sample.WaitForExitAsync().Within(Bounded.StartLimit);
            Assert.Equal(0, sample.ExitCode);
        }
        finally
        {
            if (!sample.HasExited)
            {
                sample.Kill();
            }
        }
    }
}
