namespace Weir.LoadTest.Workers;

/// <summary>A worker on a thread of this process: when there is only one.</summary>
internal sealed class ThreadWorker : IWorkerLink
{
    private readonly Worker _worker;
    private readonly Thread _thread;

    public ThreadWorker(WorkerPlan plan, Action<WorkerReport> report)
    {
        _worker = new Worker(plan, report);
        _thread = new Thread(_worker.Run) { Name = "client loop", IsBackground = true };
        _thread.Start();
    }

    public void Order(WorkerOrder order) => _worker.Order(order);

    public ValueTask DisposeAsync()
    {
        _worker.Order(WorkerOrder.Stop);
        _thread.Join();
        _worker.Dispose();
        return ValueTask.CompletedTask;
    }
}
