using Weir.Client;
using Weir.Client.Events;
using Weir.Client.Sending;
using Weir.Integration.Auth;
using Weir.TestSupport;
using Xunit;

namespace Weir.Integration.Client;

/// <summary>Clients and a Host that admits no client without a token: one that expires is replaced, in both protocols.</summary>
public sealed class TokenTests(AuthHost host) : IClassFixture<AuthHost>
{
    [Fact]
    public async Task Raw_TokenThatExpires_IsReplaced()
    {
        RelayClientOptions options = Quick.Relay();
        Queue<string> tokens = new([Tokens.Make($"\"sub\":\"u\",\"exp\":{Tokens.In(2)}"), Tokens.Make("\"sub\":\"u\"")]);
        options.GetToken = _ => ValueTask.FromResult<string?>(tokens.Dequeue());
        await using RelayClient client = new(Address("/ws"), "open:tokens", options);
        Listening<ClientEvent> events = new(client.ReadAllAsync());
        client.Start();
        await events.NextAsync<Connected>();

        Assert.Equal((4401, "token expired"),
            ((await events.NextAsync<Disconnected>()).End is var end ? (end.CloseCode, end.Reason) : default));

        await events.NextAsync<Connected>();
        Assert.Empty(tokens);
    }

    [Fact]
    public async Task Raw_WithoutToken_StopsWithTheReason()
    {
        await using RelayClient client = new(Address("/ws"), "open:tokens", Quick.Relay());
        Listening<ClientEvent> events = new(client.ReadAllAsync());
        client.Start();
        await events.NextAsync<Connected>();

        Assert.Equal(4401, (await events.NextAsync<Closed>()).End.CloseCode);
    }

    [Fact]
    public async Task Centrifugo_TokenIsRefreshedOnTheSameConnection()
    {
        int asked = 0;
        TaskCompletionSource twice = new(TaskCreationOptions.RunContinuationsAsynchronously);
        CentrifugoClientOptions options = Quick.Centrifugo();
        options.GetToken = _ =>
        {
            bool isFirst = Interlocked.Increment(ref asked) == 1;
            if (!isFirst)
            {
                twice.TrySetResult();
            }

            return ValueTask.FromResult<string?>(Tokens.Make($"\"sub\":\"u\",\"exp\":{Tokens.In(isFirst ? 3 : 3600)}"));
        };
        await using CentrifugoClient client = new(Address("/connection/websocket"), options);
        Listening<ClientEvent> events = new(client.ReadAllAsync());
        client.Start();
        await events.NextAsync<Connected>();

        await Testing.Bounded.Within(twice.Task);
        Assert.Equal(Delivery.Delivered, (await Testing.Bounded.Within(client.PublishAsync("open:tokens", "1"u8.ToArray()))).Delivery);

        await client.DisposeAsync();
        await events.NextAsync<Closed>(); // and no Disconnected before it
    }

    [Fact]
    public async Task Centrifugo_SubscriptionThatIsNotAllowed_EndsWithTheReason()
    {
        CentrifugoClientOptions options = Quick.Centrifugo();
        options.GetToken = static _ => ValueTask.FromResult<string?>(Tokens.Make("\"sub\":\"u\""));
        await using CentrifugoClient client = new(Address("/connection/websocket"), options);
        Listening<SubscriptionEvent> events = new(client.Subscribe("private:tokens").ReadAllAsync());
        client.Start();

        Assert.Equal(103, (await events.NextAsync<Unsubscribed>()).Code);
    }

    private Uri Address(string path) => new($"ws://127.0.0.1:{host.Process.Port}{path}");
}
