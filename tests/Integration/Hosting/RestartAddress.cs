using Weir.LoadTest.Running;
using Weir.TestSupport.Processes;

namespace Weir.Integration.Hosting;

/// <summary>
/// The address of a Host whose successor takes the same port. The system gives the port to no other socket in between, so that no client
/// of the test meets the server of another one there.
/// </summary>
internal static class RestartAddress
{
    /// <summary>Arguments of <see cref="HostProcess.StartWithAsync"/>, for the Host and for its successor; another address at each call.</summary>
    public static string[] NewArguments() => ["--urls", $"http://127.0.0.1:{LocalServer.FreePort()}"];
}
