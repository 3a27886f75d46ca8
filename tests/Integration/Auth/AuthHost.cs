using Weir.Integration.Relay;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Auth;

/// <summary>
/// A Host that admits no client without a token: rooms "open:*" are open to every client with one, "private:*" need one of their own,
/// no client may publish to "news:*", and to "stage:*" only with a grant.
/// </summary>
public sealed class AuthHost : IAsyncLifetime
{
    private HostProcess? _process;

    internal HostProcess Process => _process!;

    internal HttpClient Http { get; private set; } = new();

    /// <summary>What the settings of this Host are; others begin with them.</summary>
    internal static (string, string)[] Settings { get; } =
    [
        ("Weir__Auth__Jwt__Secret", Tokens.Secret),
        ("Weir__Auth__Jwt__ClockSkew", "0"),
        ("Weir__Auth__Cookie", "session"),
        ("Weir__Rooms__0__Pattern", "open:*"),
        ("Weir__Rooms__0__Access", "Open"),
        ("Weir__Rooms__0__Presence", "true"),
        ("Weir__Rooms__1__Pattern", "private:*"),
        ("Weir__Rooms__1__Access", "Private"),
        ("Weir__Rooms__1__Presence", "true"),
        ("Weir__Rooms__2__Pattern", "news:*"),
        ("Weir__Rooms__2__Publish", "Nobody"),
        ("Weir__Rooms__3__Pattern", "stage:*"),
        ("Weir__Rooms__3__Publish", "Granted"),
        ("Weir__Api__Key", RelayHost.Key),
        ("Weir__Echo__Enabled", "true"),
    ];

    public async ValueTask InitializeAsync()
    {
        _process = await HostProcess.StartAsync(Settings);
        Http = RelayHost.NewClient(_process);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _process!.DisposeAsync();
    }

    /// <summary>Upgrades, and reads the close that must come at once, without a message before it.</summary>
    internal static async Task<(int Code, string Reason)> RefusedAsync(HostProcess host, string target, string headers = "")
    {
        using RawClient client = await host.ConnectAsync();
        await client.HandshakeAsync(target, headers, $"127.0.0.1:{host.Port}");
        ServerFrame close = await client.ReadFrameAsync();
        await client.SendCloseAsync(close.CloseCode);
        Assert.Equal(TcpEnd.Fin, (await client.DrainAsync()).End);
        return (close.CloseCode, close.CloseReason);
    }
}
