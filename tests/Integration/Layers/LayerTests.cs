using System.Reflection;
using System.Text.RegularExpressions;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Layers;

/// <summary>The tables of docs/architecture.md (section "Layers") are what the code keeps to.</summary>
public sealed partial class LayerTests
{
    [Theory]
    [InlineData("Weir")]
    [InlineData("Weir.Auth")]
    [InlineData("Weir.Brokers.File")]
    [InlineData("Weir.Brokers.Kafka")]
    [InlineData("Weir.Brokers.Nats")]
    [InlineData("Weir.Brokers.Postgres")]
    [InlineData("Weir.Brokers.Redis")]
    [InlineData("Weir.Client")]
    [InlineData("Weir.Host")]
    [InlineData("Weir.Protocols.Centrifugo")]
    [InlineData("Weir.Relay")]
    [InlineData("Weir.Sources")]
    [InlineData("Weir.Sources.Kafka")]
    public void Namespaces_UseOnlyWhatTheTableAllows(string package)
    {
        Dictionary<string, string[]> allowed = TableOf(package);
        List<string> violations = [];
        foreach ((string user, SortedDictionary<string, string> uses) in NamespaceGraph.Of(Assembly.Load(package)))
        {
            string folder = FolderOf(package, user);
            if (!allowed.TryGetValue(folder, out string[]? lower))
            {
                violations.Add($"The table has no row for {folder}.");
                continue;
            }

            violations.AddRange(uses.Where(use => !lower.Contains(FolderOf(package, use.Key))).Select(use => $"{folder} -> {use.Value}"));
        }

        Assert.True(violations.Count == 0, string.Join(Environment.NewLine, violations));
    }

    [Theory]
    [InlineData("Weir")]
    [InlineData("Weir.Auth")]
    [InlineData("Weir.Brokers.File")]
    [InlineData("Weir.Brokers.Kafka")]
    [InlineData("Weir.Brokers.Postgres")]
    [InlineData("Weir.Brokers.Nats")]
    [InlineData("Weir.Brokers.Redis")]
    [InlineData("Weir.Client")]
    [InlineData("Weir.Host")]
    [InlineData("Weir.Protocols.Centrifugo")]
    [InlineData("Weir.Relay")]
    public void Table_NamesOnlyRowsAbove_SoThereIsNoCircle(string package)
    {
        HashSet<string> above = [];
        foreach ((string folder, string[] lower) in TableOf(package))
        {
            Assert.Subset(above, lower.ToHashSet());
            above.Add(folder);
        }
    }

    private static string FolderOf(string package, string name) => name == package ? "(root)" : name[(package.Length + 1)..];

    // Rows of the table below the heading of the package: | `Folder` | `Lower`, `Lower` | ...
    private static Dictionary<string, string[]> TableOf(string package)
    {
        string[] lines = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "architecture.md"));
        IEnumerable<string> rows = lines
            .SkipWhile(line => line != $"### Layers of `{package}`").Skip(1)
            .SkipWhile(static line => !line.StartsWith("| `", StringComparison.Ordinal))
            .TakeWhile(static line => line.StartsWith("| `", StringComparison.Ordinal));
        Dictionary<string, string[]> table = [];
        foreach (string row in rows)
        {
            string[] cells = row.Split('|');
            table.Add(Names(cells[1]).Single(), [.. Names(cells[2])]);
        }

        Assert.NotEmpty(table);
        return table;
    }

    private static IEnumerable<string> Names(string cell) => CodeSpan().Matches(cell).Select(static match => match.Groups[1].Value);

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex CodeSpan();
}
