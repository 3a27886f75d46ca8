using NBomber.Contracts;
using NBomber.CSharp;
using Weir.LoadTest.Activities;
using Weir.LoadTest.Client;

namespace Weir.LoadTest.Suite.Scenarios;

/// <summary>Handshakes that break the rules: success is to be refused.</summary>
internal static class RefusalScenario
{
    public const string Name = "bad_handshakes";
    public const string RefuseStep = "refuse";

    public static ScenarioProps Create(SuiteSettings settings)
    {
        SuiteTarget target = settings.Target.At("/ws");
        IReadOnlyList<Opening> openings = BadOpenings.Handshakes(target.Target);
        int next = -1;

        return Scenario.Create(Name, async context => await Step.Run(RefuseStep, context, async () =>
        {
            int which = (Interlocked.Increment(ref next) & int.MaxValue) % openings.Count;
            string refusal = await SuiteConnection.TryOpenAsync(target, openings[which]);
            return refusal.Length > 0
                ? Response.Ok(statusCode: refusal)
                : Response.Fail(statusCode: "101", message: $"opening {which} was let in");
        }))
        .WithoutWarmUp()
        .WithLoadSimulations(Simulation.KeepConstant(copies: settings.Copies, during: settings.During));
    }
}
