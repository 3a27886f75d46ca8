using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Time.Testing;
using Weir.Client.Events;
using Weir.Client.Tests.Fakes;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Client.Tests;

/// <summary>Every duration that an option of a client takes, found by reflection: of any length, never, and refused by name.</summary>
public sealed class DurationsTests
{
    private static readonly TimeSpan[] _long = [TimeSpan.FromDays(25), TimeSpan.FromDays(60), TimeSpan.FromMilliseconds(uint.MaxValue),
        TimeSpan.MaxValue, Timeout.InfiniteTimeSpan];

    public static TheoryData<string, string> Options { get; } =
        [.. OptionsOf(typeof(RelayClientOptions)).Concat(OptionsOf(typeof(CentrifugoClientOptions)))];

    public static TheoryData<string, string, long> LongOptions { get; } =
        [.. Options.SelectMany(static each => _long.Select(length => (each.Data.Item1, each.Data.Item2, length.Ticks)))];

    [Fact]
    public void Options_AreFound() => Assert.Equal((2 + 2 + 5) + (2 + 2 + 5), Options.Count);

    [Theory]
    [MemberData(nameof(Options))]
    public void Negative_IsRefusedByName(string client, string option)
    {
        (object owner, PropertyInfo property) = Find(New(client), option);

        foreach (TimeSpan bad in new[] { TimeSpan.FromTicks(-1), TimeSpan.FromMilliseconds(-2), TimeSpan.MinValue })
        {
            TargetInvocationException error = Assert.Throws<TargetInvocationException>(() => property.SetValue(owner, bad));
            Assert.Equal(option, Assert.IsType<ArgumentOutOfRangeException>(error.InnerException).ParamName);
        }
    }

    [Theory]
    [MemberData(nameof(LongOptions))]
    public async Task AnyLength_Connects_Stays_AndReconnectsOnlyWhenItIsTime(string client, string option, long ticks)
    {
        FakeTimeProvider time = new();
        FakeTransport transport = new() { Time = time };
        ScriptedServer server = new(transport);
        ClientOptions options = New(client);
        (options.Transport, options.TimeProvider, options.NextRandom) = (transport, time, static () => 0.5);
        options.GetToken = static _ => ValueTask.FromResult<string?>("t");
        (object owner, PropertyInfo property) = Find(options, option);
        property.SetValue(owner, new TimeSpan(ticks));
        await using IAsyncDisposable made = Make(client, options, out Listening<ClientEvent> events, out Task<ConnectionEnd> completion);

        FakeConnection connection = await AcceptAsync(client, transport, server);
        await events.NextAsync<Connected>();
        connection.End(new ConnectionEnd(EndKind.ConnectionLost));
        Disconnected lost = await events.NextAsync<Disconnected>();

        bool isDelay = option is nameof(ReconnectOptions.BaseDelay) or nameof(ReconnectOptions.Jitter);
        TimeSpan usual = TimeSpan.FromSeconds(1.5);
        Assert.True(!isDelay ? lost.RetryIn == usual : lost.RetryIn == Timeout.InfiniteTimeSpan || lost.RetryIn > usual, $"{lost.RetryIn}");
        time.Advance(usual);
        if (isDelay && option == nameof(ReconnectOptions.Jitter))
        {
            Assert.Equal(1, transport.Attempts);
        }
        else if (!isDelay)
        {
            await AcceptAsync(client, transport, server);
            await events.NextAsync<Connected>();
        }

        Assert.False(completion.IsCompleted);
    }

    // The time to live of a token as servers may send it: none, a long one, or one that no clock holds.
    [Theory]
    [InlineData("5184000", 60)] // 60 days
    [InlineData("4294967295", 24)]
    [InlineData("4294967296", 24)]
    [InlineData("1795690000000", 24)] // an exp in milliseconds
    [InlineData("1e18", 24)]
    [InlineData("9007199254740993.5", 24)]
    public async Task TimeToLive_ThatIsLong_NeitherEndsNorLoops(string ttl, int days)
    {
        FakeTimeProvider time = new();
        FakeTransport transport = new() { Time = time };
        ScriptedServer server = new(transport);
        int asked = 0;
        CentrifugoClientOptions options =
            new() { Transport = transport, TimeProvider = time, GetToken = _ => ValueTask.FromResult<string?>($"t{++asked}") };
        await using CentrifugoClient client = new(new Uri("ws://host/connection/websocket"), options);
        Listening<ClientEvent> events = new(client.ReadAllAsync());
        Subscription subscription =
            client.Subscribe("c", new SubscriptionOptions { GetToken = (_, _) => ValueTask.FromResult<string?>($"s{++asked}") });
        Listening<SubscriptionEvent> ofChannel = new(subscription.ReadAllAsync());
        client.Start();
        await server.AcceptAsync($"\"expires\":true,\"ttl\":{ttl}");
        await events.NextAsync<Connected>();
        server.Answer((await server.ReceiveAsync("subscribe")).Id, "subscribe", $$"""{"expires":true,"ttl":{{ttl}}}""");
        await ofChannel.NextAsync<Subscribed>();

        for (int day = 1; day < days; day++)
        {
            time.Advance(TimeSpan.FromDays(1));
        }

        Assert.Equal((2, ClientState.Connected, false), (asked, client.State, client.Completion.IsCompleted));
        Assert.True(subscription.IsSubscribed);
    }

    [Fact]
    public async Task TimeToLive_Of60Days_IsRefreshedThen()
    {
        FakeTimeProvider time = new();
        FakeTransport transport = new() { Time = time };
        ScriptedServer server = new(transport);
        CentrifugoClientOptions options =
            new() { Transport = transport, TimeProvider = time, GetToken = _ => ValueTask.FromResult<string?>("t") };
        await using CentrifugoClient client = new(new Uri("ws://host/connection/websocket"), options);
        Listening<ClientEvent> events = new(client.ReadAllAsync());
        client.Start();
        await server.AcceptAsync("\"expires\":true,\"ttl\":5184000");
        await events.NextAsync<Connected>();

        Task<(uint Id, System.Text.Json.JsonElement Body)> refresh = server.ReceiveAsync("refresh");
        int days = 0;
        await Bounded.Eventually(() =>
        {
            if (!refresh.IsCompleted && days < 59)
            {
                days++;
                time.Advance(TimeSpan.FromDays(1));
                return false;
            }

            time.Advance(TimeSpan.FromHours(1));
            return refresh.IsCompleted;
        });

        Assert.Equal(59, days);
    }

    // Each later than the one before, with any value from the server: 1, 2, 4, 8 s.
    [Theory]
    [InlineData("0")]
    [InlineData("-5")]
    [InlineData("0.0")]
    public async Task TimeToLive_OfNothing_DoesNotLoop(string ttl)
    {
        FakeTimeProvider time = new();
        FakeTransport transport = new() { Time = time };
        ScriptedServer server = new(transport);
        CentrifugoClientOptions options =
            new() { Transport = transport, TimeProvider = time, GetToken = _ => ValueTask.FromResult<string?>("t") };
        await using CentrifugoClient client = new(new Uri("ws://host/connection/websocket"), options);
        Listening<ClientEvent> events = new(client.ReadAllAsync());
        client.Start();
        await server.AcceptAsync($"\"ping\":0,\"expires\":true,\"ttl\":{ttl}");
        await events.NextAsync<Connected>();
        for (int n = 0; n < 4; n++)
        {
            Task<(uint Id, System.Text.Json.JsonElement Body)> refresh = server.ReceiveAsync("refresh");
            time.Advance(TimeSpan.FromSeconds((1 << n) - 0.001));
            Assert.False(refresh.IsCompleted);
            await Bounded.Eventually(() =>
            {
                time.Advance(TimeSpan.FromMilliseconds(100)); // the wait begins a moment after the answer was sent
                return refresh.IsCompleted;
            });
            server.Answer((await refresh).Id, "refresh", $$"""{"expires":true,"ttl":{{ttl}}}""");
        }
    }

    private static IEnumerable<(string Client, string Option)> OptionsOf(Type type)
        => type.GetProperties().Concat(typeof(ReconnectOptions).GetProperties())
            .Where(static property => property.PropertyType == typeof(TimeSpan))
            .Select(property => (type.Name, property.Name));

    private static ClientOptions New(string client)
        => client == nameof(RelayClientOptions) ? new RelayClientOptions() : new CentrifugoClientOptions();

    private static (object Owner, PropertyInfo Property) Find(ClientOptions options, string option)
        => options.GetType().GetProperty(option) is { } own ? (options, own)
            : (options.Reconnect, typeof(ReconnectOptions).GetProperty(option)!);

    private static IAsyncDisposable Make(string client, ClientOptions options, out Listening<ClientEvent> events,
        out Task<ConnectionEnd> completion)
    {
        if (options is RelayClientOptions relay)
        {
            RelayClient raw = new(new Uri("ws://host/ws"), "room", relay);
            (events, completion) = (new Listening<ClientEvent>(raw.ReadAllAsync()), raw.Completion);
            raw.Start();
            return raw;
        }

        CentrifugoClient made = new(new Uri("ws://host/connection/websocket"), (CentrifugoClientOptions)options);
        (events, completion) = (new Listening<ClientEvent>(made.ReadAllAsync()), made.Completion);
        made.Start();
        return made;
    }

    private static async Task<FakeConnection> AcceptAsync(string client, FakeTransport transport, ScriptedServer server)
    {
        if (client == nameof(RelayClientOptions))
        {
            return await transport.AcceptAsync();
        }

        await server.AcceptAsync(string.Create(CultureInfo.InvariantCulture, $"\"ping\":{25}"));
        return server.Connection;
    }
}
