using NBomber.Contracts.Stats;

namespace NBomber.Contracts;

/// <summary>What came of a step or of a whole iteration.</summary>
public interface IResponse
{
    string StatusCode { get; }

    bool IsError { get; }

    /// <summary>Bytes, as far as reported.</summary>
    long SizeBytes { get; }

    string Message { get; }
}

/// <summary>A response that may carry what it brought.</summary>
public sealed record Response<T>(string StatusCode, bool IsError, long SizeBytes, string Message, T? Payload) : IResponse;

/// <summary>The surroundings of an iteration.</summary>
public interface IScenarioContext
{
    ScenarioInfo ScenarioInfo { get; }
}

/// <summary>For <c>WithInit</c> and <c>WithClean</c>.</summary>
public interface IScenarioInitContext
{
    TestInfo TestInfo { get; }
}

/// <summary>Which scenario it is.</summary>
public sealed record ScenarioInfo(string ScenarioName);

/// <summary>What makes iterations begin.</summary>
internal enum LoadKind
{
    /// <summary>A pause.</summary>
    None,

    /// <summary>The clock.</summary>
    Open,

    /// <summary>The end of the one before: a number of copies iterate, each as fast as it can.</summary>
    Closed,
}

/// <summary>How much load, and for how long; made by <see cref="CSharp.Simulation"/>.</summary>
public sealed class LoadSimulation
{
    internal LoadSimulation(LoadKind kind, bool isRamp, int target, TimeSpan interval, TimeSpan during)
    {
        Kind = kind;
        IsRamp = isRamp;
        Target = target;
        Interval = interval;
        During = during;
    }

    internal LoadKind Kind { get; }

    /// <summary>The load changes evenly, from what it was before to the target.</summary>
    internal bool IsRamp { get; }

    /// <summary>Iterations per interval, or copies.</summary>
    internal int Target { get; }

    internal TimeSpan Interval { get; }

    internal TimeSpan During { get; }
}

/// <summary>A scenario that is being configured.</summary>
public sealed record ScenarioProps
{
    internal ScenarioProps(string name, Func<IScenarioContext, Task<IResponse>> iterate)
    {
        ScenarioName = name;
        Iterate = iterate;
    }

    public string ScenarioName { get; }

    internal Func<IScenarioContext, Task<IResponse>> Iterate { get; }

    internal Func<IScenarioInitContext, Task>? Init { get; init; }

    internal Func<IScenarioInitContext, Task>? Clean { get; init; }

    /// <summary>As NBomber's own default.</summary>
    internal TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(30);

    internal IReadOnlyList<LoadSimulation> LoadSimulations { get; init; } = [];

    /// <summary>As NBomber's own default.</summary>
    internal bool RestartsIterationOnFail { get; init; } = true;

    /// <summary>As NBomber's own default.</summary>
    internal int MaxFailCount { get; init; } = 5000;
}

/// <summary>A run that is being configured.</summary>
public sealed record NBomberContext
{
    internal NBomberContext(IReadOnlyList<ScenarioProps> scenarios) => Scenarios = scenarios;

    internal IReadOnlyList<ScenarioProps> Scenarios { get; }

    internal TestInfo TestInfo { get; init; } = new("suite", "test");

    internal string ReportFolder { get; init; } = "./reports";

    internal IReadOnlyList<ReportFormat> ReportFormats { get; init; } = [ReportFormat.Html, ReportFormat.Csv, ReportFormat.Md];

    internal TimeSpan ReportingInterval { get; init; } = TimeSpan.FromSeconds(10);
}
