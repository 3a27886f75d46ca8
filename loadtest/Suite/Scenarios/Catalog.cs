namespace Weir.LoadTest.Suite.Scenarios;

/// <summary>All scenarios: a new one is a file beside this and a line here.</summary>
internal static class Catalog
{
    public static IReadOnlyList<SuiteScenario> All { get; } =
    [
        EchoScenarios.Closed,
        EchoScenarios.Open,
        StormScenario.Definition,
        FanoutScenario.Definition,
        RefusalScenarios.Handshakes,
        RefusalScenarios.Tokens,
        IdleScenario.Definition,
        SlowScenario.Definition,
        ReconnectScenario.Definition,
        RollingScenario.Definition,
        SoakScenario.Definition,
    ];
}
