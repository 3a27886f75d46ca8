using System.Diagnostics;
using System.Text.Json;
using Weir.Testing;
using Weir.TestSupport.Processes;

namespace Weir.Integration.Servers;

/// <summary>Runs a script of <see cref="Repository.Clients"/> to its end.</summary>
internal static class NodeScript
{
    /// <returns>The JSON that it printed.</returns>
    /// <exception cref="InvalidOperationException">It failed; with its output.</exception>
    public static async Task<JsonElement> RunAsync(string script, params string[] arguments)
    {
        using Process process = new()
        {
            StartInfo = new ProcessStartInfo("node", [script, .. arguments])
            {
                WorkingDirectory = Repository.Clients,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.Start();
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> errors = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync().Within(Bounded.StartLimit, $"node {script} {string.Join(' ', arguments)}");
            if (process.ExitCode != 0)
            {
                throw new InvalidOperationException($"node {script} ended with {process.ExitCode}: {await output} {await errors}");
            }

            return JsonDocument.Parse(await output).RootElement;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }
}
