using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace Weir.LoadTest.Suite.Runner;

/// <summary>The context of all iterations of a scenario.</summary>
internal sealed record IterationContext(ScenarioInfo ScenarioInfo, Recorder Recorder, TestInfo TestInfo) : IScenarioContext,
    IScenarioInitContext;
