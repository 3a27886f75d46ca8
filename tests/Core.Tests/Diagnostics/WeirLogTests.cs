using System.Net;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Weir.Connections;
using Weir.Core.Tests.Connections;
using Weir.Core.Tests.Handshake;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Diagnostics;

public sealed partial class WeirLogTests
{
    // What may be logged: names and numbers of our own. A path is the endpoint's, a reason or rule is the server's text.
    private static readonly string[] _allowed =
    [
        "ConnectionId", "StatusCode", "Reason", "Timeout", "Path", "Code", "Cause", "Rule", "Policy", "Fault", "Connections", "Window",
        "Elapsed",
        "StallMilliseconds", "NodeType", "EndPoint",
    ];

    private static readonly Type[] _allowedTypes =
        [typeof(string), typeof(int), typeof(long), typeof(double), typeof(TimeSpan), typeof(EndPoint),
            typeof(Type)];

    private static readonly (MethodInfo Method, LoggerMessageAttribute Message)[] _messages =
    [
        .. typeof(WeirConnection).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            .Select(method => (method, method.GetCustomAttribute<LoggerMessageAttribute>()!))
            .Where(pair => pair.Item2 is not null),
    ];

    [Fact]
    public void Events_OfAllLogClasses_HaveUniqueIdsAndNames()
    {
        Assert.True(_messages.Select(pair => pair.Method.DeclaringType).Distinct().Count() > 1);
        Assert.Equal(_messages.Length, _messages.Select(pair => pair.Message.EventId).Distinct().Count());
        Assert.Equal(_messages.Length, _messages.Select(pair => pair.Message.EventName).Distinct().Count());
        Assert.All(_messages, pair => Assert.False(string.IsNullOrEmpty(pair.Message.EventName)));
        Assert.All(_messages, pair => Assert.InRange(pair.Message.EventId, 100, 499));
    }

    [Fact]
    public void Messages_HaveNoHoleForWhatAPeerSends()
    {
        foreach ((MethodInfo method, LoggerMessageAttribute message) in _messages)
        {
            string[] holes = [.. Hole().Matches(message.Message).Select(match => match.Groups[1].Value)];
            ParameterInfo[] values =
            [
                .. method.GetParameters().Where(parameter =>
                    parameter.ParameterType != typeof(ILogger) && !typeof(Exception).IsAssignableFrom(parameter.ParameterType)),
            ];
            Assert.Equal(holes.Order(StringComparer.OrdinalIgnoreCase), values.Select(value => value.Name!)
                .Order(StringComparer.OrdinalIgnoreCase), StringComparer.OrdinalIgnoreCase);
            Assert.All(holes, hole => Assert.Contains(hole, _allowed));
            Assert.All(values, value => Assert.Contains(value.ParameterType, _allowedTypes));
        }
    }

    [Fact]
    public async Task Life_FullOfSecrets_LeavesNoneInTheLog()
    {
        const string Secret = "s3cr3t";
        await using WeirConnectionHarness server = new();
        server.Handler.OnMessage = (connection, message) =>
        {
            connection.Send(message.Payload, message.Kind);
            return default;
        };
        WeirConnectionClient client = await server.ConnectAsync(head: TestHead.With($"Cookie: {Secret}", target: $"/ws?token={Secret}"));
        await client.SendAsync(Frames.Text(Secret), Frames.Ping("s3cr3t"u8), Frames.Close(4000, Secret));
        await client.Finished.Within();
        WeirConnectionClient faulty = await server.ConnectAsync(head: TestHead.With(target: $"/ws?token={Secret}"));
        await faulty.SendAsync(Frames.Text(Secret, fin: false), Frames.Text(Secret));
        faulty.EndOutput();
        await faulty.Finished.Within();
        WeirConnectionClient refused = server.Dial();
        await refused.SendAsync(TestHead.With($"Origin: https://{Secret}.example", target: $"/ws?token={Secret}"));
        await refused.Finished.Within();
        WeirConnectionClient passedOn = server.Dial();
        await passedOn.SendAsync(TestHead.With(target: $"/{Secret}"));

        Assert.Equal(3, server.Log.Records.Count(record => record.EventId.Name is "ConnectionClosed" or "HandshakeRefused"));
        Assert.All(server.Log.Records,
            record => Assert.DoesNotContain(Secret, $"{record.Message} {record.Exception}", StringComparison.Ordinal));
        Assert.All(server.Log.Records, record => Assert.Equal("Weir", record.Category));
    }

    [GeneratedRegex(@"\{(\w+)(?::\w+)?\}")]
    private static partial Regex Hole();
}
