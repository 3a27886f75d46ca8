using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Weir.Timing;

namespace Weir.Brokers.Redis.Links;

/// <summary>
/// A connection to one Redis server for subscriptions only, with one reader: announcements reach the owner in the order of the
/// socket, each subscription has a confirmation, and the link can be probed end to end.
/// </summary>
/// <remarks>
/// StackExchange.Redis has subscriptions too. It calls their handlers on the thread pool in any order, or keeps a queue and
/// a loop for each channel; and after a lost link it subscribes again without reporting when that is complete, which must
/// be known before a room's position is compared (findings/stackexchange-redis-restored-before-subscribed.sh).
/// It uses RESP3, which permits other commands on a connection with subscriptions. Requests may come from any thread.
/// </remarks>
internal sealed partial class SubscriberLink : IDisposable
{
    private const int SmallestBuffer = 16 << 10;

    private readonly ILinkOwner _owner;
    private readonly Stream _stream;
    private readonly Lock _gate = new();
    private readonly Queue<LinkRequest> _unanswered = new();
    private Exception? _downReason;
    private long _received;

    private SubscriberLink(EndPoint endPoint, Stream stream, ILinkOwner owner)
    {
        EndPoint = endPoint;
        _stream = stream;
        _owner = owner;
    }

    public EndPoint EndPoint { get; }

    /// <summary>The number of bytes received.</summary>
    public long Received => Volatile.Read(ref _received);

    public bool IsDown
    {
        get
        {
            lock (_gate)
            {
                return _downReason is not null;
            }
        }
    }

    /// <summary>Connects, sends HELLO, and starts to read.</summary>
    /// <exception cref="Exception">Of the socket, of TLS, a timeout, or <see cref="LinkRefusedException"/>.</exception>
    public static async Task<SubscriberLink> ConnectAsync(
        EndPoint endPoint, LinkSettings settings, ILinkOwner owner, TimeProvider time, CancellationToken cancellationToken)
    {
        using RunningTimeout limit = new(settings.ConnectTimeout, time);
        using CancellationTokenSource linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await ConnectAsync(endPoint, settings, owner, linked.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"There was no link to {endPoint} within {settings.ConnectTimeout}.");
        }
    }

    private static async Task<SubscriberLink> ConnectAsync(
        EndPoint endPoint, LinkSettings settings, ILinkOwner owner, CancellationToken cancellationToken)
    {
        Stream stream = await OpenAsync(endPoint, settings, cancellationToken);
        SubscriberLink link = new(endPoint, stream, owner);
        try
        {
            _ = link.ReadAsync();
            List<string> hello = ["HELLO", "3"];
            if (settings.Password is { Length: > 0 } password)
            {
                hello.AddRange(["AUTH", settings.User is { Length: > 0 } user ? user : "default", password]);
            }

            hello.AddRange(["SETNAME", settings.ClientName]);
            await link.SendAsync(LinkRequestKind.Command, [.. hello]).WaitAsync(cancellationToken);
            return link;
        }
        catch
        {
            link.Dispose();
            throw;
        }
    }

    public Task SubscribeAsync(string verb, string channel) => SendAsync(LinkRequestKind.Subscribe, [verb, channel]);

    public Task UnsubscribeAsync(string verb, string channel) => SendAsync(LinkRequestKind.Unsubscribe, [verb, channel]);

    /// <summary>Reads the role of the server now: master, slave or sentinel.</summary>
    public Task<string> ReadRoleAsync() => SendAsync(LinkRequestKind.Command, ["ROLE"]);

    /// <summary>Ends the link; the owner is notified as of any other end.</summary>
    public void Dispose() => GoDown(new ObjectDisposedException(nameof(SubscriberLink)));

    private static async Task<Stream> OpenAsync(EndPoint endPoint, LinkSettings settings, CancellationToken cancellationToken)
    {
        Socket socket = endPoint is DnsEndPoint
            ? new Socket(SocketType.Stream, ProtocolType.Tcp)
            : new Socket(
                endPoint.AddressFamily, SocketType.Stream,
                endPoint.AddressFamily == AddressFamily.Unix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        try
        {
            if (socket.ProtocolType == ProtocolType.Tcp)
            {
                socket.NoDelay = true;
            }

            await socket.ConnectAsync(endPoint, cancellationToken);
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (settings.TlsFor is { } tlsFor)
            {
                SslStream encrypted = new(stream);
                await encrypted.AuthenticateAsClientAsync(tlsFor(LinkSettings.HostOf(endPoint)), cancellationToken);
                stream = encrypted;
            }

            return stream;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task ReadAsync()
    {
        byte[] buffer = new byte[SmallestBuffer];
        int filled = 0;
        try
        {
            while (true)
            {
                int read = await _stream.ReadAsync(buffer.AsMemory(filled));
                if (read == 0)
                {
                    throw new EndOfStreamException("Redis closed the connection.");
                }

                Volatile.Write(ref _received, _received + read);
                filled += read;
                int consumed = HandleAll(buffer.AsSpan(0, filled));
                filled -= consumed;
                // A frame that does not fit doubles the buffer; afterwards the small buffer is enough again.
                int size = filled < SmallestBuffer ? SmallestBuffer : filled * 2 > buffer.Length ? buffer.Length * 2 : buffer.Length;
                byte[] next = size == buffer.Length ? buffer : new byte[size];
                buffer.AsSpan(consumed, filled).CopyTo(next);
                buffer = next;
            }
        }
        catch (Exception error)
        {
            // After any exception the link is not usable any more; the owner is notified of the reason.
            GoDown(error);
        }
    }

    private int HandleAll(ReadOnlySpan<byte> arrived)
    {
        int consumed = 0;
        _owner.OnBatchBegins();
        try
        {
            while (RespFrames.TryMeasure(arrived[consumed..], out int length))
            {
                Handle(arrived.Slice(consumed, length));
                consumed += length;
            }
        }
        finally
        {
            _owner.OnBatchEnded();
        }

        return consumed;
    }

    private void Handle(ReadOnlySpan<byte> frame)
    {
        if (frame[0] == (byte)'>')
        {
            HandlePush(frame);
            return;
        }

        if (frame[0] is (byte)'-' or (byte)'!')
        {
            int start = 0;
            string message = Encoding.UTF8.GetString(RespFrames.ReadElement(frame, ref start));
            // An error without a request is the server's reason for closing, such as too many clients.
            (TryTakeRequest() ?? throw new LinkRefusedException(message)).TrySetException(new LinkRefusedException(message));
            return;
        }

        int position = 0;
        if (frame[0] is (byte)'*' or (byte)'%')
        {
            // Of an array only the first element is ever needed, as with ROLE.
            RespFrames.ReadCount(frame, ref position);
        }

        TakeRequest().TrySetResult(Encoding.UTF8.GetString(RespFrames.ReadElement(frame, ref position)));
    }

    private void HandlePush(ReadOnlySpan<byte> frame)
    {
        int position = 0;
        int count = RespFrames.ReadCount(frame, ref position);
        if (count < 3)
        {
            return;
        }

        ReadOnlySpan<byte> kind = RespFrames.ReadElement(frame, ref position);
        ReadOnlySpan<byte> channel = RespFrames.ReadElement(frame, ref position);
        if (kind.SequenceEqual("message"u8) || kind.SequenceEqual("smessage"u8))
        {
            _owner.OnMessage(this, channel, RespFrames.ReadElement(frame, ref position));
        }
        else if (kind.SequenceEqual("subscribe"u8) || kind.SequenceEqual("ssubscribe"u8))
        {
            TakeRequest().TrySetResult("");
        }
        else if (kind.SequenceEqual("unsubscribe"u8) || kind.SequenceEqual("sunsubscribe"u8))
        {
            HandleUnsubscribed(channel);
        }
    }

    private void HandleUnsubscribed(ReadOnlySpan<byte> channel)
    {
        string name = Encoding.UTF8.GetString(channel);
        lock (_gate)
        {
            if (_unanswered.TryPeek(out LinkRequest? next) && next.Kind == LinkRequestKind.Unsubscribe && next.Channel == name)
            {
                _unanswered.Dequeue().TrySetResult("");
                return;
            }
        }

        _owner.OnDropped(this, name);
    }

    /// <summary>Takes the request that a reply belongs to; without one, every later reply would go to a wrong request.</summary>
    private LinkRequest TakeRequest() =>
        TryTakeRequest() ?? throw new InvalidDataException("Redis sent a reply without a request; the link is made again.");

    private LinkRequest? TryTakeRequest()
    {
        lock (_gate)
        {
            return _unanswered.TryDequeue(out LinkRequest? request) ? request : null;
        }
    }

    private void GoDown(Exception reason)
    {
        LinkRequest[] abandoned;
        lock (_gate)
        {
            if (_downReason is not null)
            {
                return;
            }

            _downReason = reason;
            abandoned = [.. _unanswered];
            _unanswered.Clear();
        }

        _stream.Dispose();
        foreach (LinkRequest request in abandoned)
        {
            request.TrySetException(new LinkRefusedException("The link to Redis broke before the reply.", reason));
            _ = request.Task.Exception; // some are not awaited any more
        }

        _owner.OnDown(this, reason);
    }
}
