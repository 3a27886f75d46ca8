namespace Weir.TestSupport.Processes;

/// <summary>
/// Which transport the servers of this run listen with: the environment's <c>WEIR_TEST_TRANSPORT</c>, <c>Epoll</c> (the
/// default on Linux) or <c>Sockets</c>. Every test must pass on both.
/// </summary>
public static class TransportUnderTest
{
    public const string Variable = "WEIR_TEST_TRANSPORT";

    public static string Name { get; } = Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" => OperatingSystem.IsLinux() ? "Epoll" : "Sockets",
        "Epoll" => "Epoll",
        "Sockets" => "Sockets",
        string other => throw new InvalidOperationException($"{Variable} is '{other}'; it can be Epoll or Sockets."),
    };

    public static bool IsEpoll => Name == "Epoll";
}
