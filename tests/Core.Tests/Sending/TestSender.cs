using System.Buffers;
using System.Text;
using Weir.Protocol;
using Weir.Protocol.Compression;
using Weir.Sending;
using Weir.Testing;

namespace Weir.Core.Tests.Sending;

/// <summary>A sender over a writer that stalls on command and pools that check their balance; records its owner's notifications.</summary>
internal sealed class TestSender : ISenderOwner, IDisposable
{
    private readonly DiagnosticMemoryPool _blocks = new();
    private readonly List<Exception?> _ends = [];
    private int _tooSlow;

    public TestSender(
        long closeAtBytes = 1_000_000,
        DeflateParameters? deflate = null,
        TestSender? sharing = null,
        int deflateMinimumBytes = 32,
        PressureOptions? pressure = null)
    {
        Arrays = sharing?.Arrays ?? new DiagnosticArrayPool();
        Runs = sharing?.Runs ?? new SharedFramesPool(Arrays);
        Zlib = sharing?.Zlib ?? new ZlibPool(new DeflateOptions().Level, maxIdle: 64);
        Gate = new StallingPipeWriter(_blocks);
        pressure ??= new PressureOptions { CloseAtBytes = closeAtBytes };
        Ledger = sharing?.Ledger ?? new PressureLedger(0);
        SendSettings settings = new(Runs, pressure.ToSettings(), Ledger, deflateMinimumBytes, Zlib);
        bool mayDrop = pressure.Policy != PressurePolicy.Close;
        Sender = new ConnectionSender(Gate, settings, this, deflate is { } agreed ? new DeflateContext(agreed, Zlib, mayDrop) : null);
    }

    public StallingPipeWriter Gate { get; }

    public ConnectionSender Sender { get; }

    public DiagnosticArrayPool Arrays { get; }

    public SharedFramesPool Runs { get; }

    public ZlibPool Zlib { get; }

    public PressureLedger Ledger { get; }

    /// <summary>Now, in ticks.</summary>
    public long CurrentTick { get; set; }

    /// <summary>The owner's notifications of waiting data, in order: "began", "high", "low", "dropped 3".</summary>
    public List<string> Pressure { get; } = [];

    public int TooSlow => Volatile.Read(ref _tooSlow);

    /// <summary>The errors of all ends reported.</summary>
    public IReadOnlyList<Exception?> Ends
    {
        get
        {
            lock (_ends)
            {
                return [.. _ends];
            }
        }
    }

    /// <summary>What went through so far, which must be whole frames.</summary>
    public IReadOnlyList<ServerFrame> Sent => Frames.ParseAll(Gate.Sent);

    public IEnumerable<string> Texts => Sent.Select(frame => frame.Text);

    public SendResult Send(string text) => Send(Encoding.UTF8.GetBytes(text), Opcode.Text);

    public SendResult Send(byte[] payload, Opcode opcode = Opcode.Binary)
        => Sender.Send(opcode, new ReadOnlySequence<byte>(payload));

    public void SendPong(string payload) => Sender.SendPong(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(payload)));

    /// <summary>A run of text messages, held once by the caller.</summary>
    public SharedFrames Run(params ReadOnlySpan<string> texts)
    {
        SharedFrames run = Runs.Rent(1024);
        foreach (string text in texts)
        {
            run.Append(Opcode.Text, Encoding.UTF8.GetBytes(text));
        }

        return run;
    }

    /// <summary>Sends a message that begins a flush, which the held gate keeps pending.</summary>
    public void Stall(string text = "first")
    {
        Gate.Hold();
        Send(text);
    }

    public Task ReleaseAndDrainAsync()
    {
        Task drained = Sender.DrainAsync().AsTask();
        Gate.Release();
        return drained.Within();
    }

    /// <summary>Ends the sender and checks the pools; shared ones too, so dispose their owner last.</summary>
    public void Dispose()
    {
        Sender.End();
        Gate.Release();
        Bounded.Eventually(() => !Sender.IsBusy).GetAwaiter().GetResult();
        if (!Gate.IsCompleted)
        {
            Gate.Complete();
        }

        Gate.AssertClean();
        _blocks.Dispose();
    }

    public void OnQueueBegan() => Pressure.Add("began");

    public void OnPressure(bool isHigh) => Pressure.Add(isHigh ? "high" : "low");

    public void OnDropped(int messages) => Pressure.Add($"dropped {messages}");

    public void OnTooSlow() => Interlocked.Increment(ref _tooSlow);

    public void OnTransportEnded(Exception? error)
    {
        lock (_ends)
        {
            _ends.Add(error);
        }
    }
}
