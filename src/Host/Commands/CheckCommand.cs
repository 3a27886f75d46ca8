using System.CommandLine;
using System.CommandLine.Invocation;
using Weir.Host.Features;
using Weir.Host.Settings;

namespace Weir.Host.Commands;

/// <summary><c>check</c>: validates the configuration, and lists what it leaves open; <c>check --list</c>: lists all settings.</summary>
internal static class CheckCommand
{
    private const string Text = "text";
    private const string Markdown = "markdown";

    public static Command Create()
    {
        Option<string> list = new("--list")
        {
            Description = "Lists all settings instead, with units, defaults and permitted values; as Markdown if you add 'markdown'",
            Arity = ArgumentArity.ZeroOrOne,
            HelpName = $"{Text}|{Markdown}",
        };
        list.AcceptOnlyFromAmong(Text, Markdown);
        list.Action = new ListAction(list);
        Command command = new("check", "Validates the configuration and lists what it leaves open; exit code 1 if it is not valid") { list };
        return command.WithSettings(
            static (_, features, configuration, cancellationToken) => RunAsync(features, configuration, cancellationToken));
    }

    private static async Task<int> RunAsync(HostFeatures features, IConfiguration configuration, CancellationToken cancellationToken)
    {
        Exposure exposure = new(Listeners.ReadAddresses(configuration));
        await features.ReportAsync(exposure, cancellationToken);
        Listeners.Report(exposure);
        Console.WriteLine("The configuration is valid.");
        Print("Open", [.. exposure.Open]);
        Print("Closed", [.. exposure.Closed]);
        Print("Keys", [.. exposure.Keys]);
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

    /// <summary>Lists the settings, whatever the configuration is.</summary>
    private sealed class ListAction(Option<string> list) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            if (parseResult.Errors is [var error, ..])
            {
                Console.Error.WriteLine(error.Message);
                return 1;
            }

            IEnumerable<Setting> settings = new HostFeatures().Settings;
            Console.Write(
                parseResult.GetValue(list) == Markdown ? SettingsPage.ToMarkdown(settings) : SettingsPage.ToText(settings));
            return 0;
        }
    }
}
