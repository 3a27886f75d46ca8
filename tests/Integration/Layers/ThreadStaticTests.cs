using System.Reflection;
using System.Text.RegularExpressions;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Layers;

/// <summary>A field per thread is an exception, with its reason in docs/internals/thread-statics.md.</summary>
public sealed partial class ThreadStaticTests
{
    private static readonly string[] _packages =
    [
        "Weir", "Weir.Auth", "Weir.Brokers.Kafka", "Weir.Brokers.Nats", "Weir.Brokers.Postgres", "Weir.Brokers.Redis", "Weir.Client", "Weir.Host",
        "Weir.Protocols.Centrifugo", "Weir.Relay",
        "Weir.Transports.Epoll",
    ];

    [Fact]
    public void Fields_AreThoseOfThePage()
    {
        const BindingFlags All = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        IEnumerable<string> inCode = _packages
            .SelectMany(static package => Assembly.Load(package).GetTypes())
            .SelectMany(static type => type.GetFields(All))
            .Where(static field => field.IsDefined(typeof(ThreadStaticAttribute)))
            .Select(static field => $"{field.DeclaringType!.Name}.{field.Name}");
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "internals", "thread-statics.md"));
        IEnumerable<string> onPage = Row.Matches(page).Select(static row => row.Groups[1].Value);

        Assert.Equal(inCode.Order(StringComparer.Ordinal), onPage.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"^\| `(\w+\.\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row { get; }
}
