using System.Text;
using System.Text.RegularExpressions;

namespace Weir.Host.Settings;

/// <summary>All settings as text: for the console, and as docs/reference/settings.md.</summary>
internal static partial class SettingsPage
{
    private const string Head =
        """
        # Settings

        <!-- Generated from the tables in src/Host/Features. `.ci/settings.py` writes this page and the rows of README.md again. -->

        Settings come from `appsettings.json`, the environment (`Weir__Echo__Enabled=true`) or the command line
        (`--Weir:Echo:Enabled=true`). They are validated at start: the error names a bad value with the permitted ones, or an unknown key
        with the nearest setting, and the exit code is 1. Times are written `10` (seconds), `500ms`, `10s`, `2m`, `1h` or
        `00:00:10`. `<n>` is the number of an entry: 0, 1 and so on. `check --list` prints this list.

        | setting | unit | default | range | |
        |---|---|---:|---|---|

        """;

    /// <summary>Returns the page.</summary>
    public static string ToMarkdown(IEnumerable<Setting> settings)
    {
        StringBuilder page = new(Head);
        foreach (Setting setting in settings)
        {
            page.Append(ToRow(setting).Replace("](docs/", "](../", StringComparison.Ordinal)).Append('\n');
        }

        return page.ToString();
    }

    /// <summary>Returns a row of the table as README.md has it, with links relative to the root of the repository.</summary>
    public static string ToRow(Setting setting)
        => Spaces().Replace($"| `{setting.Key}` | {setting.Unit} | {setting.Default} | {setting.Range} | {setting.Text} |", " ");

    /// <summary>Returns the settings for a console.</summary>
    public static string ToText(IEnumerable<Setting> settings)
    {
        StringBuilder text = new();
        foreach (Setting setting in settings)
        {
            string[] facts = [setting.Unit, $"default {setting.Default}", setting.Range];
            text.Append(setting.Key).Append(" (")
                .AppendJoin("; ", facts.Where(static fact => fact.Length > 0).Select(ToPlain)).AppendLine(")");
            if (setting.Text.Length > 0)
            {
                text.Append("    ").AppendLine(ToPlain(setting.Text));
            }
        }

        return text.ToString();
    }

    private static string ToPlain(string markdown) => Link().Replace(markdown, "$1").Replace("`", "", StringComparison.Ordinal);

    [GeneratedRegex(" {2,}")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex Link();
}
