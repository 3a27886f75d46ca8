using System.CommandLine;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>Handshakes, and what an open connection costs.</summary>
internal sealed class StormScenario() : Scenario("storm",
    "Opens connections at a rate or as fast as the server answers, and closes them; several rounds tell a warm server from a cold one")
{
    private readonly Option<int> _connections = OptionKit.Of("--connections", 10_000, "Connections");
    private readonly Option<int> _rounds = OptionKit.Of("--rounds", 1, "How many times");

    protected override IEnumerable<Option> Options => [_connections, _rounds];

    public override WorkerPlan Plan(ParseResult parsed, WorkerPlan plan) => plan with { Connections = parsed.GetValue(_connections) };

    public override async Task PlayAsync(Stage stage)
    {
        int rounds = stage.Parsed.GetValue(_rounds);
        for (int round = 1; round <= rounds; round++)
        {
            if (!await stage.OpenAsync(rounds == 1 ? "open" : $"round {round}", measuresHandshakes: true))
            {
                return;
            }

            await stage.CloseAsync();
        }
    }
}
