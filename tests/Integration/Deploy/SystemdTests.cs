using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Deploy;

/// <summary>What deploy/systemd/weir.service relies on.</summary>
public sealed class SystemdTests
{
    // A service finds that systemd has started it by its parent's name: here that of a shell.
    [Fact]
    public async Task Host_NotifiesSystemd_WhenItIsUp_AndWhenItStops()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "systemd is Linux.");
        string directory = Directory.CreateTempSubdirectory("weir-systemd").FullName;
        string path = Path.Combine(directory, "notify");
        string parent = Path.Combine(directory, "systemd");
        File.CreateSymbolicLink(parent, "/bin/sh");
        using Socket systemd = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        systemd.Bind(new UnixDomainSocketEndPoint(path));
        try
        {
            await using ChildProcess shell = ChildProcess.Start(
                parent, ["-c", $"NOTIFY_SOCKET={path} dotnet {Repository.HostAssembly} --urls http://127.0.0.1:0 & echo pid $!; wait $!"],
                    directory);

            Assert.Equal("READY=1", await NextAsync());
            Signals.Terminate(int.Parse(shell.LineStartingWith("pid ")!["pid ".Length..], CultureInfo.InvariantCulture));
            Assert.Equal("STOPPING=1", await NextAsync());
            Assert.Equal(0, await shell.ExitCodeAsync().Within(Bounded.StartLimit));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        async Task<string> NextAsync()
        {
            byte[] buffer = new byte[1024];
            int length = await systemd.ReceiveAsync(buffer).Within(Bounded.StartLimit, "a word from the Host");
            return Encoding.UTF8.GetString(buffer, 0, length).Trim();
        }
    }
}
