extern alias suite;

using suite::Weir.LoadTest.Client;
using suite::Weir.LoadTest.Suite;

namespace Weir.LoadTest.Tests;

/// <summary>Settings for tests that need no server.</summary>
internal static class SuiteSamples
{
    public static SuiteSettings Settings(TimeSpan during) => new()
    {
        Target = new SuiteTarget(new Uri("ws://127.0.0.1:1"), isInsecure: false, token: null),
        Servers = new SuiteServers(),
        Copies = 2,
        Rate = 2,
        During = during,
        PayloadBytes = 125,
        Members = 2,
        Connections = 2,
        HeartbeatTimeout = TimeSpan.FromSeconds(1),
        Slow = 1,
        SlowFor = TimeSpan.FromSeconds(1),
        Down = TimeSpan.FromSeconds(1),
        Backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)),
        MaxAway = TimeSpan.FromSeconds(1),
        DrainTimeout = TimeSpan.FromSeconds(1),
        Churn = 1,
    };
}
