using System.CommandLine;
using Weir.Host.Settings;

namespace Weir.Host.Commands;

/// <summary>Commands besides running the server.</summary>
internal static class CommandLine
{
    private static readonly string[] _hostSettings = ["--urls", "--http_ports", "--https_ports", "--environment"];
    private static readonly string[] _help = ["--help", "-h", "-?"];

    /// <summary>
    /// Returns whether the arguments are a command: they begin with a word instead of a setting, or request help. All others
    /// are settings of the server.
    /// </summary>
    public static bool IsMeantBy(string[] args)
        => args is [var first, ..]
            && (first == "--version" || args.Any(static argument => _help.Contains(argument))
                || (!first.StartsWith('-') && !first.StartsWith('/') && !first.Contains('=', StringComparison.Ordinal)));

    /// <returns>The exit code.</returns>
    public static Task<int> RunAsync(string[] args)
    {
        RootCommand root = new(
            """
            Weir, a WebSocket server: rooms that clients join by URL, streams for clients that only listen, an API for back ends.

            Without a command the server runs. It and all commands take settings from appsettings.json, the environment
            (Weir__Echo__Enabled=true) or the command line:

              Weir.Host --urls http://*:8080 --Weir:Rooms:0:Pattern=* --Weir:Rooms:0:HistorySize=100
              Weir.Host check --Weir:Echo:Enabled=true

            'check --list' lists all settings; the server reports invalid ones at its start.
            """)
        {
            TokenCommand.Create(),
            CheckCommand.Create(),
            MigrateCommand.Create(),
        };
        return root.Parse(args).InvokeAsync();
    }

    /// <summary>
    /// Makes a command accept settings besides its own options, and runs it with them. Their names contain a colon, or are .NET's
    /// own: any other is a misspelt option, which must not be taken for a setting that is never read.
    /// </summary>
    /// <param name="command">The command.</param>
    /// <param name="run">Runs it.</param>
    /// <param name="onInvalid">
    /// Reports that the configuration is not valid; returns false to have it reported on the standard error, as if it were <c>null</c>.
    /// </param>
    public static Command WithSettings(
        this Command command, Func<ParseResult, HostFeatures, IConfiguration, CancellationToken, Task<int>> run,
        Func<ParseResult, SettingsException, bool>? onInvalid = null)
    {
        Argument<string[]> settings = new("settings")
        {
            Description = "The server's settings, as --Weir:Auth:Jwt:Secret=..., besides those of its files and environment",
            Arity = ArgumentArity.ZeroOrMore,
        };
        command.Add(settings);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string[] given = parsed.GetValue(settings) ?? [];
            if (Array.Find(given, IsNoSetting) is { } unknown)
            {
                await Console.Error.WriteLineAsync(
                    $"{unknown} is neither an option of '{command.Name}' nor a setting; '{command.Name} --help' lists the options.");
                return 1;
            }

            try
            {
                IConfiguration configuration = WeirApplication.CreateBuilder(given).Configuration;
                return await run(parsed, HostFeatures.Read(configuration), configuration, cancellationToken);
            }
            catch (SettingsException error)
            {
                if (onInvalid?.Invoke(parsed, error) is not true)
                {
                    await Console.Error.WriteLineAsync(error.Message);
                }

                return 1;
            }
        });
        return command;
    }

    private static bool IsNoSetting(string token)
        => token.StartsWith('-')
            && !token.Split('=')[0].Contains(':', StringComparison.Ordinal) && !_hostSettings.Contains(token.Split('=')[0]);
}
