using System.Text.RegularExpressions;
using Xunit;

namespace Weir.Extensions.Tests;

/// <summary>The snippets of the guides are what this project compiles.</summary>
public sealed partial class SnippetTests
{
    [Theory]
    [InlineData("write-a-broker.md")]
    [InlineData("write-a-protocol.md")]
    public void Snippets_AreTheCompiledCode(string guide)
    {
        string root = RootOf(AppContext.BaseDirectory);
        string text = File.ReadAllText(Path.Combine(root, "docs", "guides", guide));
        MatchCollection snippets = Snippet().Matches(text);

        Assert.NotEmpty(snippets);
        Assert.All(snippets, snippet => Assert.Equal(
            Region(Path.Combine(root, "tests", "Extensions.Tests", snippet.Groups[1].Value), snippet.Groups[2].Value),
            snippet.Groups[3].Value.Trim('\n')));
    }

    private static string RootOf(string folder)
        => File.Exists(Path.Combine(folder, "Perf.sln")) ? folder : RootOf(Path.GetDirectoryName(folder)!);

    // From "// begin: NAME" to "// end", without the indentation of the former.
    private static string Region(string file, string name)
    {
        string[] lines = File.ReadAllLines(file);
        int begin = Array.FindIndex(lines, line => line.Trim() == $"// begin: {name}");
        Assert.True(begin >= 0, $"{file} has no {name}.");
        int indent = lines[begin].Length - lines[begin].TrimStart().Length;
        return string.Join('\n', lines.Skip(begin + 1).TakeWhile(static line => line.Trim() != "// end")
            .Select(line => line.Length > indent ? line[indent..] : line)).Trim('\n');
    }

    // <!-- Brokers/File.cs#name -->, then the block of code.
    [GeneratedRegex("<!-- (\\S+)#(\\w+) -->\n```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Snippet();
}
