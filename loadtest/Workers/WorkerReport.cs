using Weir.LoadTest.Measuring;

namespace Weir.LoadTest.Workers;

/// <summary>A worker's report: its counters since the last one, and its progress.</summary>
/// <param name="Open">Connections that are open now.</param>
/// <param name="Text">What went wrong, with <see cref="WorkerEvent.Failed"/>.</param>
internal sealed record WorkerReport(WorkerEvent Event, int Open, Counts Counts, string? Text = null);

internal enum WorkerEvent
{
    /// <summary>Only time has passed.</summary>
    Sample,

    /// <summary>All connections are open.</summary>
    Opened,

    /// <summary>Not all are open, and none opens any more.</summary>
    GaveUp,

    /// <summary>No message is sent any more, and all sent ones have arrived or are counted as missing.</summary>
    Settled,

    /// <summary>All connections have ended, or are given up.</summary>
    Ended,

    /// <summary>The worker can't continue.</summary>
    Failed,
}

/// <summary>An order to a worker.</summary>
internal enum WorkerOrder
{
    /// <summary>Open all connections.</summary>
    Open,

    /// <summary>Open as many as there are for warming up.</summary>
    OpenSome,

    /// <summary>Begin what is to be done with them.</summary>
    Begin,

    /// <summary>Stop sending.</summary>
    Finish,

    /// <summary>Close all connections.</summary>
    Close,

    /// <summary>The server is about to close them.</summary>
    ExpectClose,

    /// <summary>End, without more ado.</summary>
    Stop,
}
