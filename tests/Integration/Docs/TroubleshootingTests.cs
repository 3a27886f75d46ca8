using Weir.Closing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Docs;

/// <summary>docs/operations/troubleshooting.md has a row for each cause of an end, by its name in metrics.</summary>
public sealed class TroubleshootingTests
{
    [Fact]
    public void Table_HasEachCauseOnce_InTheirOrder()
    {
        string[] rows =
        [
            .. File.ReadLines(Path.Combine(Repository.Root, "docs/operations/troubleshooting.md"))
                .Where(static line => line.StartsWith("| `", StringComparison.Ordinal)),
        ];

        Assert.Equal(Enum.GetValues<CloseCause>().Select(CloseCauses.NameOf), rows.Select(static row => row.Split('`')[1]));
        Assert.All(rows, static row => Assert.All(row.Split('|')[1..^1], static cell => Assert.NotEqual("", cell.Trim())));
    }
}
