namespace NBomber.Contracts.Stats;

public enum ReportFormat
{
    Txt = 0,
    Html = 1,
    Csv = 2,
    Md = 3,
}

public sealed record TestInfo(string TestSuite, string TestName);

/// <summary>How many, and how many per second of the scenario's time.</summary>
public sealed record RequestStats(int Count, double RPS);

/// <summary>Milliseconds.</summary>
public sealed record LatencyStats(
    double MinMs, double MeanMs, double MaxMs, double Percent50, double Percent75, double Percent95, double Percent99);

public sealed record StatusCodeStats(string StatusCode, bool IsError, string Message, int Count);

/// <summary>Bytes, as far as reported.</summary>
public sealed record DataTransferStats(long AllBytes);

/// <param name="DataTransfer">Of a scenario: of its steps, and of its iterations' own responses.</param>
/// <param name="StatusCodes">The same. With the first message of each; responses without a code are not in it.</param>
public sealed record MeasurementStats(
    RequestStats Request, LatencyStats Latency, DataTransferStats DataTransfer, IReadOnlyList<StatusCodeStats> StatusCodes);

public sealed record StepStats(string StepName, MeasurementStats Ok, MeasurementStats Fail);

/// <param name="Duration">Without what a warm-up took.</param>
public sealed record ScenarioStats(
    string ScenarioName, MeasurementStats Ok, MeasurementStats Fail, StepStats[] StepStats, TimeSpan Duration)
{
    /// <exception cref="KeyNotFoundException">No such step was run.</exception>
    public StepStats GetStepStats(string stepName) => Array.Find(StepStats, each => each.StepName == stepName)
        ?? throw new KeyNotFoundException($"'{ScenarioName}' has run no step '{stepName}'.");
}

public sealed record NodeStats(ScenarioStats[] ScenarioStats, TestInfo TestInfo, TimeSpan Duration)
{
    /// <exception cref="KeyNotFoundException">There is no such scenario.</exception>
    public ScenarioStats GetScenarioStats(string scenarioName) => Array.Find(ScenarioStats, each => each.ScenarioName == scenarioName)
        ?? throw new KeyNotFoundException($"There is no scenario '{scenarioName}'.");
}
