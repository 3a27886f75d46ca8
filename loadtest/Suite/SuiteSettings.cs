namespace Weir.LoadTest.Suite;

/// <summary>How much of everything.</summary>
/// <param name="Target">Without a path: scenarios know theirs.</param>
/// <param name="Copies">Of closed loads.</param>
/// <param name="Rate">Iterations per second of open loads.</param>
/// <param name="During">How long each load, after a ramp of a fifth of it where there is one.</param>
/// <param name="Members">Of a room.</param>
internal sealed record SuiteSettings(SuiteTarget Target, int Copies, int Rate, TimeSpan During, int PayloadBytes, int Members)
{
    public TimeSpan Ramp => During / 5;

    public static TimeSpan Second { get; } = TimeSpan.FromSeconds(1);
}
