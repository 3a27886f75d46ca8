using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Weir.Http;

/// <summary>
/// Adapts an HTTP request that has become a byte stream to the engine's connection: an upgraded HTTP/1.1 connection or one HTTP/2
/// stream.
/// </summary>
internal sealed class UpgradedConnection : ConnectionContext, IDuplexPipe
{
    private readonly HttpContext _http;

    public UpgradedConnection(HttpContext http, Stream stream)
    {
        _http = http;
        // Zero-byte reads: an idle connection holds no buffer.
        Input = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true, useZeroByteReads: true));
        Output = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
        ConnectionId = http.TraceIdentifier;
        ConnectionClosed = http.RequestAborted;
        RemoteEndPoint = EndPointOf(http.Connection.RemoteIpAddress, http.Connection.RemotePort);
        LocalEndPoint = EndPointOf(http.Connection.LocalIpAddress, http.Connection.LocalPort);
        // The server's shutdown notification is a feature of the connection below.
        Features.Set(http.Features.Get<IConnectionLifetimeNotificationFeature>());
        Features.Set(http.Features.Get<IConnectionSocketFeature>());
        IsShared = !HttpProtocol.IsHttp11(http.Request.Protocol);
    }

    /// <summary>Whether the socket carries other streams too, so that its traffic does not show activity of this one.</summary>
    public bool IsShared { get; }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    public override string ConnectionId { get; set; }

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items
    {
        get => _http.Items!;
        set => _http.Items = value;
    }

    public override IDuplexPipe Transport
    {
        get => this;
        set => throw new NotSupportedException("The transport of an upgraded request is its stream.");
    }

    public override void Abort(ConnectionAbortedException abortReason) => _http.Reset();

    public override async ValueTask DisposeAsync()
    {
        await Output.CompleteAsync().ConfigureAwait(false);
        await Input.CompleteAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private static IPEndPoint? EndPointOf(IPAddress? address, int port) => address is null ? null : new IPEndPoint(address, port);
}
