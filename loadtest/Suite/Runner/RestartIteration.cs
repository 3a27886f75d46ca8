namespace Weir.LoadTest.Suite.Runner;

/// <summary>Ends an iteration whose step has failed, as NBomber does unless <c>WithRestartIterationOnFail(false)</c> is set.</summary>
internal sealed class RestartIteration() : Exception("A step has failed, which ends the iteration.");
