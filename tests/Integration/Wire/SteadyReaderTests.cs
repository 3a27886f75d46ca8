using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Weir.Integration.Hosting;
using Weir.Integration.Relay;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Integration.Wire;

/// <summary>
/// Clients over TLS and over HTTP/2, by WebSocket and by Server-Sent Events, that send no data and read slowly: the bytes that they take
/// are activity. Those that stop reading are closed with 1009, or reset.
/// </summary>
[Collection(Alone.Name)]
public sealed partial class SteadyReaderTests : IDisposable
{
    private const string Password = "for the test";
    private const int Cancel = 0x8; // RFC 9113 7
    private const int EnhanceYourCalm = 0xb;
    private const int Messages = 64;
    private const int MessageBytes = 16 * 1024;

    // At most 128 KB a second: at least 8 s for all, longer than the heartbeat lets a connection be idle.
    private static readonly TimeSpan _pace = TimeSpan.FromMilliseconds(125);

    private readonly string _pfx = Path.Combine(Path.GetTempPath(), $"weir-{Guid.NewGuid():N}.pfx");

    public SteadyReaderTests() => TestCertificate.WriteTo(_pfx, Password);

    public void Dispose() => File.Delete(_pfx);

    [Fact]
    public async Task SlowButSteady_IsNotAborted_AndGetsAll()
    {
        await using HostProcess host = await StartAsync(
            ("Weir__Heartbeat__Interval", "2s"),
            ("Weir__Heartbeat__Timeout", "4s"),
            ("Weir__Pressure__CloseAtBytes", "16000000"),
            ("Weir__Pressure__MaxDelay", "5m"));
        string[] expected = [.. Enumerable.Range(0, Messages).Select(static n => n.ToString("D6", CultureInfo.InvariantCulture))];
        await using Readers readers = await Readers.OpenAsync(host);
        Task<string[]>[] reading = [.. readers.All.Select(static reader => reader.ReadMessagesAsync(Messages, _pace))];

        await PublishAsync(host, 0, Messages);

        foreach (Task<string[]> each in reading)
        {
            Assert.Equal(expected, await each.Within(TimeSpan.FromMinutes(3)));
        }

        Assert.Equal(0, await host.MetricAsync("weir_connections_too_slow_total"));
    }

    [Fact]
    public async Task Stopped_IsClosed_With1009OrAReset()
    {
        await using HostProcess host = await StartAsync(
            ("Weir__Pressure__CloseAtBytes", "256000"),
            ("Weir__Pressure__CloseTimeout", "5s"));
        await using Readers readers = await Readers.OpenAsync(host);
        int published = 0;

        // More than what the buffers of the system hold.
        while (await host.MetricAsync("weir_connections_too_slow_total") < readers.All.Length)
        {
            Assert.True(published < 4000, "They are not closed.");
            await PublishAsync(host, published, 20);
            published += 20;
        }

        Assert.EndsWith("too slow", await readers.TlsSocket.ReadToTheEndAsync(), StringComparison.Ordinal); // the reason of its close frame
        Assert.Contains("\u0003\u00f1too slow", readers.TlsSocket.Received, StringComparison.Ordinal); // 1009
        await readers.TlsStream.ReadToTheEndAsync();
        Assert.DoesNotContain("\r\n0\r\n\r\n", readers.TlsStream.Received, StringComparison.Ordinal); // not as if it were complete
        foreach (Http2Reader reader in (Http2Reader[])[readers.Http2Socket, readers.Http2Stream])
        {
            await reader.ReadToTheEndAsync();
            Assert.Contains(reader.Reset!.Value, (int[])[Cancel, EnhanceYourCalm]);
        }
    }

    private static async Task PublishAsync(HostProcess host, int first, int count)
    {
        using HttpClient http = RelayHost.NewClient(host);
        for (int n = first; n < first + count; n++)
        {
            string data = $"#{n:D6}#{new string('x', MessageBytes)}";
            await RelayHost.CallAsync(http, "publish", $$"""{"channel":"a","data":"{{data}}"}""");
        }
    }

    private async Task<HostProcess> StartAsync(params (string, string)[] settings)
    {
        HostProcess host = await HostProcess.StartWithAsync(
            ["--urls", "http://127.0.0.1:0;https://127.0.0.1:0"],
            [
                .. settings, ("Weir__Api__Key", RelayHost.Key),
                ("Kestrel__Certificates__Default__Path", _pfx), ("Kestrel__Certificates__Default__Password", Password)
            ]);
        await Bounded.Eventually(() => host.Addresses.Count == 2);
        return host;
    }

    [GeneratedRegex("#([0-9]{6})#")]
    private static partial Regex NumberOf { get; }

    /// <summary>One of each kind, in room a.</summary>
    private sealed record Readers(TlsReader TlsSocket, TlsReader TlsStream, Http2Reader Http2Socket, Http2Reader Http2Stream)
        : IAsyncDisposable
    {
        public Reader[] All => [TlsSocket, TlsStream, Http2Socket, Http2Stream];

        public static async Task<Readers> OpenAsync(HostProcess host)
        {
            int port = host.Addresses[1].Port;
            Readers readers = new(
                await TlsReader.OpenAsync(port, Heads.Upgrade("/ws?room=a")),
                await TlsReader.OpenAsync(port, "GET /sse?room=a HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"),
                new Http2Reader(await Http2Client.ConnectAsync(port)),
                new Http2Reader(await Http2Client.ConnectAsync(port)));
            Assert.Equal(200, (await readers.Http2Socket.Client.ConnectWebSocketAsync("/ws?room=a")).Status);
            Assert.Equal(200, (await readers.Http2Stream.Client.GetAsync("/sse?room=a", ("accept", "text/event-stream"))).Status);
            await Waiting.UntilAsync(
                async () => await host.MetricAsync("weir_connections_active") == 2 && await host.MetricAsync("weir_sse_active") == 2, "all are open");
            return readers;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (Reader reader in All)
            {
                await reader.DisposeAsync();
            }
        }
    }

    private abstract class Reader : IAsyncDisposable
    {
        private readonly StringBuilder _received = new();
        private readonly List<string> _numbers = [];
        private string _tail = ""; // too short for a number

        public string Received => _received.ToString();

        public abstract ValueTask DisposeAsync();

        /// <summary>Reads chunk by chunk, with a pause after each, until so many messages have come.</summary>
        public async Task<string[]> ReadMessagesAsync(int count, TimeSpan pause)
        {
            await ReadAsync(async () =>
            {
                await Task.Delay(pause, TimeProvider.System, CancellationToken.None);
                return _numbers.Count < count;
            });
            return [.. _numbers];
        }

        public async Task<string> ReadToTheEndAsync()
        {
            await ReadAsync(static () => Task.FromResult(true)).Within(TimeSpan.FromMinutes(2));
            return Received;
        }

        protected void Take(ReadOnlySpan<byte> bytes)
        {
            string text = Encoding.Latin1.GetString(bytes);
            _received.Append(text);
            text = _tail + text;
            _numbers.AddRange(NumberOf.Matches(text).Select(static match => match.Groups[1].Value));
            _tail = text[^Math.Min(text.Length, 7)..];
        }

        /// <summary>Reads until the end, or until the call after each chunk returns false.</summary>
        protected abstract Task ReadAsync(Func<Task<bool>> continueAsync);
    }

    private sealed class TlsReader(TcpClient tcp, SslStream stream) : Reader
    {
        public static async Task<TlsReader> OpenAsync(int port, string head)
        {
            TcpClient tcp = new();
            tcp.Client.ReceiveBufferSize = MessageBytes;
            await tcp.ConnectAsync("127.0.0.1", port).Within();
            SslStream stream = new(tcp.GetStream(), leaveInnerStreamOpen: false, static (_, certificate, _, _) => certificate is not null);
            await stream.AuthenticateAsClientAsync("localhost").Within();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head));
            TlsReader reader = new(tcp, stream);
            await reader.ReadAsync(() => Task.FromResult(!reader.Received.Contains("\r\n\r\n", StringComparison.Ordinal))).Within();
            return reader;
        }

        public override async ValueTask DisposeAsync()
        {
            await stream.DisposeAsync();
            tcp.Dispose();
        }

        protected override async Task ReadAsync(Func<Task<bool>> continueAsync)
        {
            byte[] buffer = new byte[MessageBytes];
            try
            {
                do
                {
                    int read = await stream.ReadAsync(buffer);
                    if (read == 0)
                    {
                        return;
                    }

                    Take(buffer.AsSpan(0, read));
                }
                while (await continueAsync());
            }
            catch (IOException)
            {
                // A reset is an end, too.
            }
        }
    }

    private sealed class Http2Reader(Http2Client client) : Reader
    {
        public Http2Client Client => client;

        public int? Reset { get; private set; }

        public override ValueTask DisposeAsync()
        {
            client.Dispose();
            return ValueTask.CompletedTask;
        }

        protected override async Task ReadAsync(Func<Task<bool>> continueAsync)
        {
            TaskCompletionSource enough = new();
            Task<int?> ended = client.ReadDataAsync(async payload =>
            {
                Take(payload);
                if (!await continueAsync())
                {
                    enough.TrySetResult();
                    await new TaskCompletionSource().Task; // reads no further
                }
            });
            if (await Task.WhenAny(ended, enough.Task) == ended)
            {
                Reset = await ended;
            }
        }
    }
}
