using BenchmarkDotNet.Attributes;

namespace Weir.Bench.Connections;

/// <summary>
/// The whole path of a message, from a client's masked frame in the transport to the server's frame read from it;
/// time and bytes are those of one message.
/// </summary>
[MemoryDiagnoser]
public class EchoBenchmarks
{
    private const int Messages = 16;

    private EchoSession _echo = null!;
    private RelaySession _relay = null!;

    [Params(20, 125, 1024, 16 * 1024)]
    public int Bytes { get; set; }

    /// <summary>Messages that arrive together, and share one read, one pass and one flush.</summary>
    [Params(1, Messages)]
    public int Batch { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        byte[] payload = Payloads.Json(Bytes, seed: 1);
        _echo = new EchoSession(payload, Batch);
        _relay = new RelaySession(payload, Batch);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _echo.Dispose();
        _relay.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Messages)]
    public void PipesOnly()
    {
        for (int sent = 0; sent < Messages; sent += Batch)
        {
            _relay.Exchange();
        }
    }

    [Benchmark(OperationsPerInvoke = Messages)]
    public void Echo()
    {
        for (int sent = 0; sent < Messages; sent += Batch)
        {
            _echo.Exchange();
        }
    }
}
