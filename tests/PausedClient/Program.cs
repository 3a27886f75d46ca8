// A client in a process of its own, which a test pauses: raw|centrifugo ADDRESS ROOM. It reports its events on standard output, a line
// each, sends each line that it reads to the room, and ends with the input.
using System.Text;
using Weir.Client;
using Weir.Client.Events;

if (args is not [string kind, string address, string room])
{
    await Console.Error.WriteLineAsync("Expected: raw or centrifugo, an address, a room.");
    return 1;
}

// A connection without data counts as dead after the server's ping interval, here a second, and this.
TimeSpan timeout = TimeSpan.FromSeconds(5);
return kind == "raw" ? await RunRawAsync() : await RunCentrifugoAsync();

async Task<int> RunRawAsync()
{
    await using RelayClient client = new(
        new Uri(address), room, new RelayClientOptions { PingInterval = TimeSpan.FromSeconds(1), PingTimeout = timeout });
    client.EventOccurred += static what => Console.WriteLine(what is MessageReceived message ? $"message {message.Message.Text}" : LineOf(what));
    client.Start();
    while (await Console.In.ReadLineAsync() is { } line)
    {
        Console.WriteLine($"sent {(await client.SendAsync(line)).Delivery}");
    }

    return 0;
}

async Task<int> RunCentrifugoAsync()
{
    await using CentrifugoClient client = new(new Uri(address), new CentrifugoClientOptions { MaxPingDelay = timeout });
    client.EventOccurred += static what => Console.WriteLine(LineOf(what));
    Subscription subscription = client.Subscribe(room);
    subscription.EventOccurred += static what => Console.WriteLine(
        what is PublicationReceived received ? $"message {Encoding.UTF8.GetString(received.Publication.Data.Span)}" : LineOf(what));
    client.Start();
    while (await Console.In.ReadLineAsync() is { } line)
    {
        Console.WriteLine($"sent {(await subscription.PublishAsync(Encoding.UTF8.GetBytes(line))).Delivery}");
    }

    return 0;
}

static string LineOf(object what) => what is Disconnected lost ? $"lost {lost.End}" : what.GetType().Name.ToLowerInvariant();
