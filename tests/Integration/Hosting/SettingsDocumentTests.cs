using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Weir.Host;
using Weir.Host.Settings;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Hosting;

/// <summary>The documents have the settings that the server reads, with their units, defaults and ranges.</summary>
public sealed partial class SettingsDocumentTests
{
    private const string Remedy = "Run .ci/settings.py, which writes docs/reference/settings.md and the rows of README.md, and commit both.";

    private static readonly Setting[] _settings = [.. new HostFeatures().Settings];

    [Fact]
    public void ReferencePage_IsThatOfTheTables()
        => Assert.True(SettingsPage.ToMarkdown(_settings) == Read("docs/reference/settings.md"), Remedy);

    [Fact]
    public void RowsOfTheReadme_AreThoseOfTheTables()
    {
        string[] rows = [.. Read("README.md").Split('\n').Where(static line => line.StartsWith("| `Weir:", StringComparison.Ordinal))];

        Assert.NotEmpty(rows);
        string[] different = [.. rows.Except(_settings.Select(SettingsPage.ToRow))];
        Assert.True(different.Length == 0, $"{Remedy} Different: {string.Join(Environment.NewLine, different)}");
    }

    // A feature that reads a key without a row in its table would have an undocumented setting.
    [Fact]
    public void KeysThatAreRead_AreThoseOfTheTables()
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["Weir:Rooms:0:Pattern"] = "*",
                ["Weir:Api:Keys:0:Name"] = "a",
                ["Weir:Api:Keys:0:Key"] = "b",
                ["Weir:Api:Keys:0:Rights"] = "*",
                ["Weir:Sources:Kafka:0:Topic"] = "records",
                ["Weir:Sources:Kafka:0:DeadLetterTopic"] = "rejected",
            }).Build();
        SettingsReader reader = new(configuration);

        HostFeatures.Read(reader);

        Assert.Equal(
            _settings.Select(static setting => setting.Key).Order(StringComparer.Ordinal),
            reader.KeysRead.Select(static key => Number().Replace(key, ":<n>:")).Order(StringComparer.Ordinal));
    }

    // In text, in the environment of a unit or container, and on command lines.
    [Fact]
    public void KeysInDocuments_AreSettingsOrSectionsOfThem()
    {
        string[] files =
        [
            .. Directory.EnumerateFiles(Repository.Root, "*.md"),
            .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories),
            .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "deploy"), "*", SearchOption.AllDirectories),
        ];
        HashSet<string> known = [];
        foreach (string[] parts in _settings.Select(static setting => setting.Key.Split(':')))
        {
            known.UnionWith(Enumerable.Range(1, parts.Length).Select(length => string.Join(':', parts[..length])));
        }

        int count = 0;
        foreach (string file in files)
        {
            foreach (Match match in Key().Matches(File.ReadAllText(file)))
            {
                string key = Number().Replace(match.Value.Replace("__", ":", StringComparison.Ordinal) + ":", ":<n>:").TrimEnd(':');
                Assert.True(known.Contains(key) || IsProperty(key), $"{file}: {match.Value} is not a setting.");
                count++;
            }
        }

        Assert.True(count > _settings.Length, $"{count} keys were found.");
    }

    [Fact]
    public async Task List_OfTheCheckCommand_HasAllSettings()
    {
        // Whatever the configuration is: an operator looks the settings up to correct it.
        (int exitCode, string output, _) = await HostProcess.RunAsync(["check", "--list"], ("Weir__Unknown", "1"));

        Assert.Equal(0, exitCode);
        Assert.Equal(SettingsPage.ToText(_settings), output);
    }

    [Fact]
    public async Task List_InAnUnknownForm_IsRefused()
    {
        (int exitCode, _, string errors) = await HostProcess.RunAsync(["check", "--list", "pdf"]);

        Assert.Equal(1, exitCode);
        Assert.Contains("'pdf'", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    // A section of values whose names are another program's.
    private static bool IsProperty(string key) => Array.Exists(
        _settings, setting => setting.Unit == "properties" && key.StartsWith(setting.Key + ":", StringComparison.Ordinal));

    private static string Read(string name) => File.ReadAllText(Path.Combine(Repository.Root, name));

    [GeneratedRegex(@":\d+:")]
    private static partial Regex Number();

    [GeneratedRegex(@"\bWeir(:|__)[A-Z](?:[A-Za-z0-9<>:]|__)*[A-Za-z0-9]")]
    private static partial Regex Key();
}
