using System.Text.RegularExpressions;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Docs;

/// <summary>The pages link to files that exist.</summary>
public sealed partial class LinkTests
{
    [Fact]
    public void RelativeLinks_LeadToFiles()
    {
        string[] pages =
        [
            .. Directory.EnumerateFiles(Repository.Root, "*.md"),
            .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories),
            .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.md", SearchOption.AllDirectories),
        ];

        (string Page, string Target)[] links =
        [
            .. pages.SelectMany(static page => Link.Matches(File.ReadAllText(page)).Select(match => (page, match.Groups[1].Value))),
        ];

        Assert.True(links.Length > 100, $"{links.Length} links were found.");
        Assert.Empty(links.Where(static link => !Path.Exists(Path.Combine(Path.GetDirectoryName(link.Page)!, link.Target)))
            .Select(static link => $"{Path.GetRelativePath(Repository.Root, link.Page)}: {link.Target}"));
    }

    // [text](path), without those to other hosts and to a place on the same page.
    [GeneratedRegex(@"\]\((?!\w+:)([^)#\s]+)(?:#[^)]*)?\)")]
    private static partial Regex Link { get; }
}
