using System.Globalization;

namespace Weir.Chaos;

/// <summary>How long each scenario has traffic: seconds in every test run, a minute and more by <c>chaos.sh</c>.</summary>
internal static class Timeline
{
    /// <summary>The time of the traffic; the trouble comes after a third of it.</summary>
    public static TimeSpan Traffic { get; } = TimeSpan.FromSeconds(double.Parse(
        Environment.GetEnvironmentVariable("WEIR_CHAOS_SECONDS") is { Length: > 0 } seconds ? seconds : "4", CultureInfo.InvariantCulture));

    /// <summary>A long run has as many listeners as the machine bears, a short one enough to be worth something.</summary>
    public static int Listeners { get; } = int.Parse(
        Environment.GetEnvironmentVariable("WEIR_CHAOS_LISTENERS") is { Length: > 0 } listeners ? listeners : "60",
            CultureInfo.InvariantCulture);

    /// <summary>The bound of every wait, however slow the machine.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromSeconds(40);
}
