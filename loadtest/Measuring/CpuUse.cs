using System.Diagnostics;

namespace Weir.LoadTest.Measuring;

/// <summary>Processor time over a stretch: the server's and our own, which on one machine is the server's loss.</summary>
internal sealed class CpuUse(ServerProcess? server)
{
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly TimeSpan _client = Environment.CpuUsage.TotalTime;
    private readonly TimeSpan _server = server?.CpuTime ?? default;

    /// <summary>Since construction, as text. 100 % is one core.</summary>
    public override string ToString()
    {
        TimeSpan passed = Stopwatch.GetElapsedTime(_began);
        string client = $"client {(Environment.CpuUsage.TotalTime - _client) / passed:P0}";
        return server is null ? client : $"server {(server.CpuTime - _server) / passed:P0}, {client}";
    }
}
