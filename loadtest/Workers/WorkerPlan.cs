namespace Weir.LoadTest.Workers;

/// <summary>The plan of a worker: one of the processes, or the only one, that the connections are divided over.</summary>
internal sealed record WorkerPlan
{
    /// <summary>Servers. Clients begin with one in turn, and go to the next when theirs ends.</summary>
    public required IReadOnlyList<Uri> Urls { get; init; }

    public required ActivityKind Activity { get; init; }

    public bool IsCentrifugo { get; init; }

    /// <summary>Any certificate will do.</summary>
    public bool IsInsecure { get; init; }

    /// <summary>A range of addresses; null: chosen.</summary>
    public string? Sources { get; init; }

    public string? Token { get; init; }

    /// <summary>Which of the workers this is, from 0.</summary>
    public int Worker { get; init; }

    public required int Connections { get; init; }

    /// <summary>Of this worker's first connection, counted over all workers.</summary>
    public int FirstNumber { get; init; }

    /// <summary>Connections begun per second; 0: as fast as the server answers.</summary>
    public double OpenRate { get; init; }

    /// <summary>How many are opened and closed to warm the server up.</summary>
    public int WarmUp { get; init; }

    /// <summary>Handshakes under way at a time.</summary>
    public int HandshakesAtOnce { get; init; } = 256;

    /// <summary>How long opening continues when none opens.</summary>
    public TimeSpan OpenTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether a client whose connection ends opens another.</summary>
    public bool Reconnects { get; init; }

    /// <summary>A client waits so long, and up to as long again and twice as long for each try that failed.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromMilliseconds(500);

    public TimeSpan MostBackoff { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Connections per second that leave and reconnect.</summary>
    public double ChurnRate { get; init; }

    public int PayloadBytes { get; init; } = 125;

    /// <summary>Rooms that are published to.</summary>
    public int Rooms { get; init; }

    /// <summary>Receivers in each; one more publishes.</summary>
    public int MembersPerRoom { get; init; }

    /// <summary>Messages per second over all rooms.</summary>
    public double PublishRate { get; init; }

    /// <summary>Instead of a rate: messages under way in each room. 0: by the rate.</summary>
    public int Window { get; init; }

    /// <summary>Clients that stop reading under a flood.</summary>
    public int Slow { get; init; }

    /// <summary>How long they do not read.</summary>
    public TimeSpan SlowFor { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Echo: messages per second over all connections. 0: each sends when it has its answer.</summary>
    public double EchoRate { get; init; }

    /// <summary>Echo without a rate: messages under way on each connection.</summary>
    public int Depth { get; init; } = 1;

    /// <summary>Bad openings per second; 0: as fast as the server answers.</summary>
    public double FloodRate { get; init; }

    /// <summary>Bad openings under way at a time.</summary>
    public int FloodAtOnce { get; init; } = 64;

    public bool IsFloodOfTokens { get; init; }

    /// <summary>This worker's part of a whole.</summary>
    public WorkerPlan Share(int worker, int workers)
    {
        int connections = Part(Connections, worker, workers);
        int rooms = Part(Rooms, worker, workers);
        double byConnections = Connections == 0 ? 1.0 / workers : (double)connections / Connections;
        return this with
        {
            Worker = worker,
            FirstNumber = Enumerable.Range(0, worker).Sum(each => Part(Connections, each, workers)),
            Connections = connections,
            WarmUp = Math.Min(connections, WarmUp / workers),
            OpenRate = OpenRate * byConnections,
            HandshakesAtOnce = Math.Max(1, HandshakesAtOnce / workers),
            ChurnRate = ChurnRate * byConnections,
            EchoRate = EchoRate * byConnections,
            FloodRate = FloodRate / workers,
            FloodAtOnce = Math.Max(1, FloodAtOnce / workers),
            Rooms = rooms,
            PublishRate = Rooms == 0 ? 0 : PublishRate * rooms / Rooms,
            Slow = Part(Slow, worker, workers),
        };
    }

    private static int Part(int whole, int worker, int workers) => (whole / workers) + (worker < whole % workers ? 1 : 0);
}

/// <summary>What connections do once they are open.</summary>
internal enum ActivityKind
{
    /// <summary>They are in rooms; some publish, some are slow, or all are idle.</summary>
    Rooms,

    /// <summary>They get back what they send.</summary>
    Echo,

    /// <summary>They get back what they send, while others are to be refused.</summary>
    Flood,
}
