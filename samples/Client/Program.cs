using System.Text.Json;
using System.Text.Json.Serialization;
using Weir.Client;
using Weir.Client.Events;
using Weir.Client.Sending;

// Chats in a channel, line by line: dotnet run --project samples/Client -- ws://localhost:8080/connection/websocket lobby

if (args is not [string address, string channel])
{
    await Console.Error.WriteLineAsync("Expected: the address of a server, as ws://localhost:8080/connection/websocket, and a channel.");
    return 1;
}

await using CentrifugoClient client = new(new Uri(address));
client.EventOccurred += static what => Console.WriteLine(what switch
{
    Connected => "* connected",
    Disconnected lost => $"* {lost.End}; again in {lost.RetryIn.TotalSeconds:F1} s",
    Closed closed => $"* ended: {closed.End}",
    _ => $"* {what}",
});
Subscription subscription = client.Subscribe(channel);
Task listening = ListenAsync(subscription);
client.Start();

while (await Console.In.ReadLineAsync() is { } line)
{
    DeliveryResult result = await subscription.PublishAsync(new Line(Environment.UserName, line), SampleJson.Default.Line);
    if (result.Delivery != Delivery.Delivered)
    {
        Console.WriteLine($"* {result.Delivery}: {result.Reason}");
    }
}

subscription.Unsubscribe();
await listening;
return 0;

static async Task ListenAsync(Subscription subscription)
{
    await foreach (SubscriptionEvent what in subscription.ReadAllAsync())
    {
        Console.WriteLine(what switch
        {
            PublicationReceived { Publication: var publication }
                => publication.Read(SampleJson.Default.Line) is { } line ? $"{line.From}: {line.Text}" : "?",
            Subscribed { Recovered: true } => "* subscribed again, no message was lost",
            PositionLost => "* messages may be missing",
            _ => $"* {what.GetType().Name.ToLowerInvariant()}",
        });
    }
}

internal sealed record Line(string From, string Text);

[JsonSerializable(typeof(Line))]
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
internal sealed partial class SampleJson : JsonSerializerContext;
