using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Weir.Client.Events;
using Weir.TestSupport;
using Xunit;

namespace Weir.Client.Tests.Fakes;

/// <summary>Plays a server of the Centrifugo protocol, command by command, as the test scripts it.</summary>
internal sealed class ScriptedServer(FakeTransport transport)
{
    private FakeConnection? _connection;

    public FakeConnection Connection => _connection!;

    /// <summary>Accepts the next connection, and answers its connect with these further fields.</summary>
    /// <returns>The body of the client's connect.</returns>
    public async Task<JsonElement> AcceptAsync(string fields = "\"ping\":25,\"pong\":true")
    {
        _connection = await transport.AcceptAsync();
        (uint id, JsonElement connect) = await ReceiveAsync("connect");
        Answer(id, "connect", $$"""{"client":"c1","version":"test",{{fields}}}""");
        return connect;
    }

    /// <summary>Accepts the next connection, and leaves its connect unanswered.</summary>
    public async Task<(uint Id, JsonElement Body)> AcceptSilentlyAsync()
    {
        _connection = await transport.AcceptAsync();
        return await ReceiveAsync("connect");
    }

    /// <summary>The next command, which must be this one.</summary>
    public async Task<(uint Id, JsonElement Body)> ReceiveAsync(string method)
    {
        string frame = await Connection.ReceiveFromClientAsync();
        Assert.DoesNotContain('\n', frame);
        JsonElement command = JsonDocument.Parse(frame).RootElement;
        Assert.True(command.TryGetProperty(method, out JsonElement body), $"Not {method}: {frame}");
        return (command.GetProperty("id").GetUInt32(), body);
    }

    public async Task ReceivePongAsync() => Assert.Equal("{}", await Connection.ReceiveFromClientAsync());

    public void Answer(uint id, string method, string result = "{}") => Connection.SendToClient($$"""{"id":{{id}},"{{method}}":{{result}}}""");

    public void Refuse(uint id, int code, string message, bool temporary = false)
        => Connection.SendToClient($$$"""{"id":{{{id}}},"error":{"code":{{{code}}},"message":"{{{message}}}"{{{(temporary ? ",\"temporary\":true" : "")}}}}}""");

    public void Publish(string channel, ulong offset, string? data = null)
        => Connection.SendToClient($$$"""{"push":{"channel":"{{{channel}}}","pub":{{{Publication(offset, data)}}}}}""");

    public static string Publication(ulong offset, string? data = null) => $$"""{"data":{{data ?? $"{offset}"}},"offset":{{offset}}}""";

    /// <summary>Receives a subscribe, and answers that the channel is at this position; with these publications if it recovers.</summary>
    public async Task<JsonElement> AdmitAsync(ulong top, bool recovered = false, string epoch = "e", params ulong[] publications)
    {
        (uint id, JsonElement body) = await ReceiveAsync("subscribe");
        bool recovering = body.TryGetProperty("recover", out _);
        string list = string.Join(',', publications.Select(static offset => Publication(offset)));
        Answer(id, "subscribe", $$"""
            {"recoverable":true,"positioned":true,"epoch":"{{epoch}}","offset":{{top}},"was_recovering":{{(recovering ? "true" : "false")}},"recovered":{{(recovered ? "true" : "false")}},"publications":[{{list}}]}
            """);
        return body;
    }

    /// <summary>Ends the connection, and advances time past the client's first delay.</summary>
    public async Task LoseConnectionAsync(Listening<ClientEvent> events, FakeTimeProvider time)
    {
        Connection.End(new ConnectionEnd(EndKind.ConnectionLost));
        Disconnected lost = await events.NextAsync<Disconnected>();
        time.Advance(lost.RetryIn);
    }
}
