using NBomber.CSharp;
using Weir.LoadTest.Activities;
using Weir.LoadTest.Client;
using Weir.LoadTest.Protocols;

namespace Weir.LoadTest.Suite.Scenarios;

/// <summary>Floods of handshakes that break the rules, and of tokens that are forged or have expired: success is to be refused.</summary>
internal static class RefusalScenarios
{
    private const string RefuseStep = "refuse";

    public static SuiteScenario Handshakes { get; } = new(
        "bad_handshakes", static settings => Create("bad_handshakes", settings, BadOpenings.Handshakes))
    {
        IsOfDefault = true,
    };

    public static SuiteScenario Tokens { get; } = new(
        "bad_tokens", static settings
            => Create("bad_tokens", settings, static target => BadOpenings.Tokens(target, new RawProtocol())));

    private static SuiteLoad Create(string name, SuiteSettings settings, Func<Target, IReadOnlyList<Opening>> openingsFor)
    {
        SuiteTarget target = settings.Target.At("/ws");
        IReadOnlyList<Opening> openings = openingsFor(target.Target);
        int next = -1;

        return new SuiteLoad(
            name,
            RefuseStep,
            context => SuiteStep.RunAsync(RefuseStep, context, async () =>
            {
                int which = (Interlocked.Increment(ref next) & int.MaxValue) % openings.Count;
                string refusal = await SuiteConnection.TryOpenAsync(target, openings[which]);
                return refusal.Length > 0
                    ? Response.Ok(statusCode: refusal)
                    : Response.Fail(statusCode: "101", message: $"opening {which} was let in");
            }),
            [Simulation.KeepConstant(copies: settings.Copies, during: settings.During)]);
    }
}
