namespace Weir.Host.Features;

/// <summary>The areas of an <see cref="Exposure"/>, in the order in which they are listed.</summary>
internal enum ExposureArea
{
    /// <summary>Whether clients have to authenticate.</summary>
    Access,

    /// <summary>The rights of those that do.</summary>
    Rooms,

    /// <summary>Accepted tokens.</summary>
    Tokens,

    /// <summary>Optional endpoints.</summary>
    Endpoints,

    /// <summary>Web pages that may connect.</summary>
    Origins,

    /// <summary>Endpoints for operators.</summary>
    Monitoring,

    /// <summary>Encryption.</summary>
    Traffic,

    /// <summary>Limits of the node and of each client.</summary>
    Limits,

    /// <summary>Memory that clients can make the node use.</summary>
    Memory,

    /// <summary>Connections whose clients are gone.</summary>
    Heartbeat,

    /// <summary>The addresses of clients.</summary>
    Addresses,

    /// <summary>The machine: its limits, its memory, its clock.</summary>
    Machine,
}
