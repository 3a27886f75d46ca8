using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;
using Weir.Host.Features;
using Weir.Host.Machine;
using Weir.Host.Settings;

namespace Weir.Host.Commands;

/// <summary>
/// <c>check</c>: validates the configuration, and lists what it leaves open and what the machine lacks; <c>check --list</c>: lists all
/// settings.
/// </summary>
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
        Option<bool> json = new("--json") { Description = "Writes the result as one JSON object" };
        Option<int?> connections = new("--connections")
        {
            Description = "Compares the machine with this many connections, instead of Weir:Limits:MaxConnections",
            Validators = { static result => Validate(result) },
        };
        Command command = new(
            "check",
            "Validates the configuration, and lists what it leaves open and what the machine lacks. Exit code 0: nothing above a note; "
            + "1: not valid; 2: warnings; 3: dangers")
        {
            list, json, connections,
        };
        return command.WithSettings(
            (parsed, features, configuration, cancellationToken) => RunAsync(
                features, configuration, parsed.GetValue(connections), parsed.GetValue(json), cancellationToken),
            (parsed, error) => parsed.GetValue(json) && WriteErrors(error));
    }

    private static async Task<int> RunAsync(
        HostFeatures features, IConfiguration configuration, int? connections, bool asJson, CancellationToken cancellationToken)
    {
        Exposure exposure = new(Listeners.ReadAllAddresses(configuration));
        await features.ReportAsync(exposure, cancellationToken);
        Listeners.Report(exposure);
        new MachineReport(MachineState.Read()).AddTo(exposure, connections);
        Console.Write(asJson ? CheckReport.ToJson(exposure) : CheckReport.ToText(exposure));
        return CheckReport.ExitCodeOf(exposure);
    }

    private static bool WriteErrors(SettingsException error)
    {
        Console.Write(CheckReport.ToJson(error.Complaints));
        return true;
    }

    private static void Validate(OptionResult result)
    {
        if (result.Tokens is [var token, ..]
            && !(int.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0))
        {
            result.AddError($"--connections: '{token.Value}' is not a whole number above 0.");
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
