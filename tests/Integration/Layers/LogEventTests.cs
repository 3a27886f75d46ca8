using System.Reflection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Weir.Integration.Layers;

/// <summary>An operator filters and counts log messages by event id.</summary>
public sealed class LogEventTests
{
    [Theory]
    [InlineData("Weir")]
    [InlineData("Weir.Auth")]
    [InlineData("Weir.Brokers.File")]
    [InlineData("Weir.Brokers.Kafka")]
    [InlineData("Weir.Brokers.Nats")]
    [InlineData("Weir.Brokers.Postgres")]
    [InlineData("Weir.Brokers.Redis")]
    [InlineData("Weir.Protocols.Centrifugo")]
    [InlineData("Weir.Relay")]
    [InlineData("Weir.Sources")]
    [InlineData("Weir.Sources.Kafka")]
    [InlineData("Weir.Transports.Epoll")]
    public void Events_OfAPackage_HaveUniqueIds(string package)
    {
        const BindingFlags All = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        (int Id, string Method)[] events =
        [
            .. Assembly.Load(package).GetTypes().SelectMany(static type => type.GetMethods(All))
                .Select(static method => (Attribute: method.GetCustomAttribute<LoggerMessageAttribute>(), method.Name))
                .Where(static pair => pair.Attribute is not null)
                .Select(static pair => (pair.Attribute!.EventId, pair.Name)),
        ];

        Assert.NotEmpty(events);
        Assert.Empty(events.GroupBy(static each => each.Id).Where(static same => same.Count() > 1)
            .Select(static same => $"{same.Key}: {string.Join(", ", same.Select(static each => each.Method))}"));
    }
}
