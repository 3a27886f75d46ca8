using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace Weir.LoadTest.Suite.Runner;

/// <summary>The context of an iteration, and of the init and the clean of a scenario.</summary>
internal sealed record IterationContext(ScenarioInfo ScenarioInfo, Recorder Recorder, TestInfo TestInfo, bool RestartsOnFail)
    : IScenarioContext, IScenarioInitContext;
