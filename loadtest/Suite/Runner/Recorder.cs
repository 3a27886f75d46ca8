using System.Diagnostics;
using NBomber.Contracts;
using NBomber.Contracts.Stats;
using NBomber.CSharp;

namespace Weir.LoadTest.Suite.Runner;

/// <summary>Counts the iterations of a scenario and their steps; from any thread.</summary>
internal sealed class Recorder(string scenario)
{
    /// <summary>Of what ended in an exception, as NBomber has it.</summary>
    public const string ExceptionCode = "-101";

    private readonly Lock _gate = new();
    private readonly Measurement _whole = new();
    private readonly List<(string Name, Measurement Of)> _steps = [];

    /// <summary>False while warming up.</summary>
    public bool IsOn { get; set; }

    /// <summary>One iteration.</summary>
    /// <param name="due">When it was due: what held it up is part of its latency.</param>
    public async Task IterateAsync(Func<Task<IResponse>> iterate, long due)
    {
        IResponse response;
        try
        {
            response = await iterate();
        }
        catch (Exception error)
        {
            response = Response.Fail(ExceptionCode, error.Message);
        }

        Record(_whole, response, due);
    }

    public async Task<Response<T>> StepAsync<T>(string name, Func<Task<Response<T>>> run)
    {
        long began = Stopwatch.GetTimestamp();
        Response<T> response;
        try
        {
            response = await run();
        }
        catch (Exception error)
        {
            response = Response.Fail<T>(ExceptionCode, error.Message);
        }

        Record(Step(name), response, began);
        return response;
    }

    public ScenarioStats Stats(TimeSpan duration)
    {
        lock (_gate)
        {
            return new ScenarioStats(
                scenario,
                _whole.Ok(duration),
                _whole.Fail(duration),
                [.. _steps.Select(each => new StepStats(each.Name, each.Of.Ok(duration), each.Of.Fail(duration)))],
                duration);
        }
    }

    private Measurement Step(string name)
    {
        lock (_gate)
        {
            int found = _steps.FindIndex(each => each.Name == name);
            if (found < 0)
            {
                found = _steps.Count;
                _steps.Add((name, new Measurement()));
            }

            return _steps[found].Of;
        }
    }

    private void Record(Measurement measurement, IResponse response, long began)
    {
        long microseconds = (long)Stopwatch.GetElapsedTime(began).TotalMicroseconds;
        lock (_gate)
        {
            if (IsOn)
            {
                measurement.Record(response, microseconds);
            }
        }
    }
}
