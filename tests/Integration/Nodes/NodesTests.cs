using System.Globalization;
using System.Text.Json;
using Weir.Integration.Relay;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Integration.Nodes;

/// <summary>
/// Several Hosts on one broker, a thousand clients in two hundred rooms that come and go at random: every message is
/// accounted for, by every member that should have it.
/// </summary>
public sealed class NodesTests(ITestOutputHelper output)
{
    private const int Rooms = 200;
    private const int Members = 1000;
    private const int PublishesPerMember = 3;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private readonly Ledger _ledger = new();
    private readonly List<Member> _members = [];
    private int _lastId;

    [Theory]
    [InlineData("Redis", 2, 6455)]
    [InlineData("Redis", 3, 9110)]
    [InlineData("Nats", 2, 1711)]
    public async Task Rooms_OnSeveralNodes_GiveEveryMemberAllOfItsTime_OnceAndInTheSameOrder(string broker, int nodes, int seed)
    {
        (IAsyncDisposable started, (string Name, string Value) address) = await StartServerAsync(broker);
        await using IAsyncDisposable server = started;
        HostProcess[] hosts = await Task.WhenAll(Enumerable.Range(0, nodes).Select(_ => StartHostAsync(broker, address)));
        HttpClient[] https = [.. hosts.Select(RelayHost.NewClient)];
        try
        {
            foreach (HttpClient http in https)
            {
                await Waiting.UntilAsync(async () => await http.GetStringAsync("/health/ready").Within() == "Healthy",
                    "the node has its broker", _limit);
            }

            // Each place is taken by several members one after another; the last stays.
            await Parallel.ForEachAsync(
                Enumerable.Range(0, Members),
                new ParallelOptions { MaxDegreeOfParallelism = 64 },
                async (place, _) => await LiveAsync(place, new Random(seed + place), hosts, https));

            int checkedMessages = 0;
            for (int room = 0; room < Rooms; room++)
            {
                checkedMessages += await CheckAsync(NameOf(room), https[room % nodes]);
            }

            output.WriteLine($"{_members.Count} members, {checkedMessages} deliveries");
            Assert.True(checkedMessages > 10_000, $"Only {checkedMessages} deliveries: the test has become weak.");
        }
        catch
        {
            foreach ((HostProcess host, HttpClient http) in hosts.Zip(https))
            {
                string metrics = await http.GetStringAsync("/metrics").Within();
                output.WriteLine($"{host.Output}{host.Errors}\n{string.Join('\n', metrics.Split('\n').Where(static line => line.StartsWith("weir_relay", StringComparison.Ordinal)))}");
            }

            throw;
        }
        finally
        {
            _members.ForEach(static member => member.Dispose());
            Array.ForEach(https, static http => http.Dispose());
            foreach (HostProcess host in hosts)
            {
                await host.DisposeAsync();
            }
        }
    }

    private static string NameOf(int room) => string.Create(CultureInfo.InvariantCulture, $"room{room}");

    private static async Task<(IAsyncDisposable Server, (string Name, string Value) Address)> StartServerAsync(string broker)
    {
        if (broker == "Nats")
        {
            NatsServer nats = await NatsServer.StartAsync();
            return (nats, ("Weir__Nats__Url", nats.Url));
        }

        RedisServer redis = await RedisServer.StartAsync();
        return (redis, ("Weir__Redis__Configuration", redis.Address));
    }

    private static Task<HostProcess> StartHostAsync(string broker, (string Name, string Value) address) => HostProcess.StartAsync(
        ("Weir__Broker__Kind", broker),
        address,
        ("Weir__Nats__MaxHistory", "10000"),
        ("Weir__Rooms__0__Pattern", "*"),
        ("Weir__Rooms__0__HistorySize", "10000"),
        ("Weir__Api__Key", RelayHost.Key),
        ("DOTNET_gcServer", "0"));

    private async Task LiveAsync(int place, Random random, HostProcess[] hosts, HttpClient[] https)
    {
        bool isStream = place % 5 == 0;
        for (int lives = random.Next(1, 4); lives > 0; lives--)
        {
            int node = random.Next(hosts.Length);
            Member member = new(_ledger, NameOf(random.Next(Rooms)), Interlocked.Increment(ref _lastId)) { Stays = lives == 1 };
            lock (_members)
            {
                _members.Add(member);
            }

            if (isStream)
            {
                await member.OpenStreamAsync(https[node]);
            }
            else
            {
                await member.OpenSocketAsync(hosts[node]);
                for (int i = 0; i < PublishesPerMember; i++)
                {
                    await member.PublishAsync();
                }
            }

            if (!member.Stays)
            {
                await member.LeaveAsync();
            }
        }
    }

    /// <summary>Compares what the members of a room received with what Redis has of it; returns how many messages that were.</summary>
    private async Task<int> CheckAsync(string room, HttpClient http)
    {
        IReadOnlyDictionary<string, long> sent = _ledger.Sent(room);
        string[] order = [];
        await Waiting.UntilAsync(
            async () =>
            {
                JsonElement result = (await RelayHost.CallAsync(http, "history", $$"""{"channel":"{{room}}","limit":-1}"""))
                    .GetProperty("result");
                order = [.. result.GetProperty("publications").EnumerateArray().Select(static each => TextOf(each.GetProperty("data")))];
                return order.Length >= sent.Count;
            },
            $"Redis has all that was sent to {room}",
            _limit);
        Assert.Equal(sent.Keys.Order(), order.Order());

        int count = 0;
        foreach (Member member in _members.Where(member => member.Room == room))
        {
            string[] of = [.. order.Where(text => !member.IsFrom(text))];
            // A message before it was in its room it may have received or not; from then on it must receive all.
            string[] before = [.. of.Where(text => sent[text] < member.Joined)];
            string[] after = [.. of.Where(text => sent[text] > member.Joined)];
            if (member.Stays)
            {
                await Bounded.Eventually(
                    () => member.Received.Count(text => sent[text] > member.Joined) >= after.Length, _limit, $"{member} has received all");
            }

            string[] received = [.. member.Received];
            string[] early = [.. received.Where(text => sent[text] < member.Joined)];
            string[] late = [.. received.Where(text => sent[text] > member.Joined)];
            Assert.True(
                early.SequenceEqual(before.Where(early.Contains)) && after.AsSpan().StartsWith(late)
                    && (!member.Stays || late.Length == after.Length)
                    && received.SequenceEqual(of.Where(received.Contains)),
                $"{member} received {string.Join(' ', received)}\nof {string.Join(' ', of)}\nwhere it had to begin with {after.FirstOrDefault()}");
            count += received.Length;
        }

        return count;
    }

    // Of a raw message the API makes a string, if it is no JSON.
    private static string TextOf(JsonElement data) => data.ValueKind == JsonValueKind.String ? data.GetString()! : data.GetRawText();
}
