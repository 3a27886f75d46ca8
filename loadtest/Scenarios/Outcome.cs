using Weir.LoadTest.Measuring;

namespace Weir.LoadTest.Scenarios;

/// <summary>What a run came to, in the figures that thresholds are about.</summary>
internal sealed class Outcome
{
    private readonly List<Figure> _figures = [];

    /// <summary>That of messages, or of handshakes where the scenario has none.</summary>
    public Latency Latency { get; set; } = new();

    public string LatencyOf { get; set; } = "messages";

    public double Rate { get; set; }

    public string RateOf { get; set; } = "messages";

    /// <summary>Connections that ended without a request, and messages that did not arrive.</summary>
    public long Lost { get; set; }

    public long Refused { get; set; }

    /// <summary>Null: not measured.</summary>
    public double? BytesPerConnection { get; set; }

    /// <summary>Null: not measured.</summary>
    public double? MegabytesPerHour { get; set; }

    /// <summary>All that is worth a line in a report or a column in a table.</summary>
    public IReadOnlyList<Figure> Figures => _figures;

    /// <param name="value">Null: not measured, and left out.</param>
    public void Add(string name, double? value, string unit)
    {
        if (value is { } known && double.IsFinite(known))
        {
            _figures.Add(new Figure(name, known, unit));
        }
    }
}

/// <summary>One result.</summary>
internal sealed record Figure(string Name, double Value, string Unit)
{
    public override string ToString()
        => $"{Name}: {(Math.Abs(Value) < 10 ? $"{Value:N2}" : Math.Abs(Value) < 100 ? $"{Value:N1}" : $"{Value:N0}")} {Unit}".TrimEnd();
}
