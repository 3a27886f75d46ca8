using System.Diagnostics;
using NBomber.Contracts;
using NBomber.Contracts.Stats;
using NBomber.CSharp;

namespace Weir.LoadTest.Suite.Runner;

/// <summary>Counts the iterations of a scenario and their steps; from any thread.</summary>
internal sealed class Recorder(string scenario)
{
    // Of what ended in an exception, as NBomber has them.
    private const string CancelledCode = "-100";
    private const string ExceptionCode = "-101";

    private readonly Lock _gate = new();
    private readonly Measurement _whole = new();
    private readonly List<(string Name, Measurement Of)> _steps = [];
    private long _bytesOfSteps;

    /// <summary>False while warming up.</summary>
    public bool IsOn { get; set; }

    /// <summary>Iterations that have failed.</summary>
    public int Failures
    {
        get
        {
            lock (_gate)
            {
                return _whole.Failures;
            }
        }
    }

    /// <summary>One iteration.</summary>
    /// <param name="due">When it was due: what held it up is part of its latency.</param>
    public async Task IterateAsync(Func<Task<IResponse>> iterate, long due)
    {
        IResponse response;
        try
        {
            response = await iterate();
        }
        catch (RestartIteration)
        {
            response = Response.Fail();
        }
        catch (Exception error)
        {
            response = Failed<object>(error);
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
            response = Failed<T>(error);
        }

        Record(Step(name), response, began);
        return response;
    }

    public ScenarioStats Stats(TimeSpan duration)
    {
        lock (_gate)
        {
            StepStats[] steps = [.. _steps.Select(each => new StepStats(each.Name, each.Of.Ok(duration), each.Of.Fail(duration)))];
            return new ScenarioStats(
                scenario,
                WithCodes(_whole.Ok(duration), steps.Select(static each => each.Ok)),
                WithCodes(_whole.Fail(duration), steps.Select(static each => each.Fail)),
                steps,
                duration);
        }
    }

    private static Response<T> Failed<T>(Exception error) => error is OperationCanceledException
        ? Response.Fail<T>(CancelledCode, "operation timeout")
        : Response.Fail<T>(ExceptionCode, error.Message);

    // NBomber adds the codes of the steps to those of the whole iterations.
    private static MeasurementStats WithCodes(MeasurementStats whole, IEnumerable<MeasurementStats> steps) => whole with
    {
        StatusCodes =
        [
            .. steps.Prepend(whole).SelectMany(static each => each.StatusCodes).GroupBy(static each => each.StatusCode)
                .Select(static each => each.First() with { Count = each.Sum(static one => one.Count) })
                .OrderBy(static each => each.StatusCode, StringComparer.Ordinal),
        ],
    };

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
            if (!IsOn)
            {
                return;
            }

            // NBomber adds what the steps have transferred to the next iteration that ends.
            bool isWhole = measurement == _whole;
            measurement.Record(response, microseconds, response.SizeBytes + (isWhole ? _bytesOfSteps : 0));
            _bytesOfSteps = isWhole ? 0 : _bytesOfSteps + response.SizeBytes;
        }
    }
}
