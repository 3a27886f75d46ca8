namespace Weir.LoadTest.Measuring;

/// <summary>Collects what was demanded and whether it held.</summary>
internal sealed class RunResult(Action<string> writeLine)
{
    private readonly List<Demand> _demands = [];

    public IReadOnlyList<Demand> Demands => _demands;

    public bool Holds => _demands.TrueForAll(static each => each.Holds);

    public void Require(bool holds, string what)
    {
        _demands.Add(new Demand(what, holds));
        writeLine($"{(holds ? "ok    " : "FAILED")} {what}");
    }
}

/// <summary>One demand, and whether it held.</summary>
internal sealed record Demand(string What, bool Holds);
