using System.Runtime.CompilerServices;

namespace Weir.Bench;

/// <summary>For setups: a benchmark whose output is wrong must not report a number.</summary>
internal static class Wrong
{
    public static void Unless(bool condition, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        if (!condition)
        {
            throw new InvalidOperationException($"Wrong output: {what}");
        }
    }
}
