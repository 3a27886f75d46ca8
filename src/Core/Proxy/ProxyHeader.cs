using System.Net;

namespace Weir.Proxy;

/// <summary>The result of parsing the first bytes of a connection: a whole header, a fault, or incomplete.</summary>
internal readonly struct ProxyHeader
{
    private ProxyHeader(int length, IPEndPoint? source, IPEndPoint? destination, string? fault)
    {
        Length = length;
        Source = source;
        Destination = destination;
        Fault = fault;
    }

    /// <summary>No rule is broken so far, but more bytes are needed.</summary>
    public static ProxyHeader Incomplete => default;

    public bool IsComplete => Length > 0;

    /// <summary>How many bytes the whole header has; 0 unless it is complete.</summary>
    public int Length { get; }

    /// <summary>The client; <c>null</c> if the connection's real addresses stay.</summary>
    public IPEndPoint? Source { get; }

    /// <summary>Where the client connected to; null as <see cref="Source"/> is.</summary>
    public IPEndPoint? Destination { get; }

    /// <summary>The broken rule, described by the parser; <c>null</c> if there is none.</summary>
    public string? Fault { get; }

    public static ProxyHeader WithAddresses(int length, IPEndPoint source, IPEndPoint destination)
        => new(length, source, destination, null);

    public static ProxyHeader WithoutAddresses(int length) => new(length, null, null, null);

    public static ProxyHeader Malformed(string fault) => new(0, null, null, fault);
}
