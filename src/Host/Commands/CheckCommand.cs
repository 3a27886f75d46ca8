using System.CommandLine;
using Weir.Auth.Keys;
using Weir.Host.Settings;

namespace Weir.Host.Commands;

/// <summary><c>check</c>: validates the configuration, and lists what it leaves open.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        Command command = new("check", "Validates the configuration and lists what it leaves open; exit code 1 if it is not valid");
        return command.WithSettings(
            static (_, settings, configuration, cancellationToken) => RunAsync(settings, configuration, cancellationToken));
    }

    private static async Task<int> RunAsync(HostSettings settings, IConfiguration configuration, CancellationToken cancellationToken)
    {
        Exposure exposure = Exposure.Of(settings, Listeners.ReadAddresses(configuration));
        Console.WriteLine("The configuration is valid.");
        Print("Open", exposure.Open);
        Print("Closed", exposure.Closed);
        Print("Keys", await ReadKeysAsync(settings, cancellationToken));
        return 0;
    }

    private static void Print(string title, IReadOnlyList<string> lines)
    {
        if (lines.Count > 0)
        {
            Console.WriteLine($"{Environment.NewLine}{title}:");
            foreach (string line in lines)
            {
                Console.WriteLine($"  - {line}");
            }
        }
    }

    // An unavailable issuer does not invalidate the configuration.
    private static async Task<IReadOnlyList<string>> ReadKeysAsync(HostSettings settings, CancellationToken cancellationToken)
    {
        List<string> lines = [];
        using HttpClient http = KeySource.NewClient();
        foreach (KeySource source in KeySource.Of(settings.Auth.Jwt.PublicKeyFile, settings.Auth.Jwt.Jwks))
        {
            try
            {
                string text = await source.FetchAsync(http, cancellationToken);
                int keys = source.Read(
                    text, settings.Auth.Jwt.AlgorithmsTaken(), reason => lines.Add($"{source.Name}: a key is ignored, {reason}")).Count;
                lines.Add($"{source.Name}: {keys} usable");
            }
            catch (KeySourceException error)
            {
                lines.Add($"{source.Name}: cannot be read now, so its tokens are not accepted: {error.Message}");
            }
        }

        return lines;
    }
}
