using System.Xml.Linq;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Layers;

/// <summary>
/// A package gives its internals to tests and bench only, never to another package: else an application that wrote that other package
/// itself could not.
/// </summary>
public sealed class FriendAssemblyTests
{
    [Fact]
    public void Products_GiveNoInternalsToProducts()
    {
        HashSet<string> products = [.. ProjectFiles().Select(static file => Path.GetFileNameWithoutExtension(file))];
        Assert.Contains("Weir", products);
        Assert.Contains("Weir.Transports.Epoll", products);

        List<string> given = [];
        foreach (string file in ProjectFiles())
        {
            string giver = Path.GetFileNameWithoutExtension(file);
            given.AddRange(FriendsOf(file).Where(products.Contains).Select(friend => $"{giver} -> {friend}"));
        }

        Assert.Empty(given);
    }

    // It builds a transport as an application would.
    [Fact]
    public void Extensions_AreGivenNoInternals()
        => Assert.DoesNotContain("Weir.Extensions.Tests", ProjectFiles().SelectMany(FriendsOf));

    // The attribute in code would pass the test above by.
    [Fact]
    public void Friends_AreNamedInProjectFilesOnly()
        => Assert.DoesNotContain(
            Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
                .Where(static file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}")),
            static file => File.ReadAllText(file).Contains("InternalsVisibleTo", StringComparison.Ordinal));

    private static IEnumerable<string> ProjectFiles()
        => Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories);

    private static IEnumerable<string> FriendsOf(string file)
        => XDocument.Load(file).Descendants("InternalsVisibleTo").Select(static element => (string)element.Attribute("Include")!);
}
