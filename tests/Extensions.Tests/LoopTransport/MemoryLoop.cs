using System.Collections.Concurrent;

namespace Weir.Extensions.Tests.LoopTransport;

/// <summary>The event loop: one thread that runs the work of all connections, in the order in which it was posted.</summary>
internal sealed class MemoryLoop : IDisposable
{
    private readonly BlockingCollection<IThreadPoolWorkItem> _work = [];
    private readonly Thread _thread;

    public MemoryLoop()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "memory loop" };
        _thread.Start();
    }

    public bool IsCurrent => Thread.CurrentThread == _thread;

    /// <summary>The first exception that reached the loop: a fault of the transport or of the engine.</summary>
    public Exception? Failure { get; private set; }

    public void Post(IThreadPoolWorkItem work) => _work.Add(work);

    public void Post(Action work) => _work.Add(new Call(work));

    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
    }

    private void Run()
    {
        foreach (IThreadPoolWorkItem work in _work.GetConsumingEnumerable())
        {
            try
            {
                work.Execute();
            }
            catch (Exception error)
            {
                Failure ??= error; // the other connections' work continues
            }
        }
    }

    private sealed class Call(Action work) : IThreadPoolWorkItem
    {
        public void Execute() => work();
    }
}
