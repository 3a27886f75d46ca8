namespace Weir.LoadTest.Workers;

/// <summary>A worker, wherever it runs. Its reports come on a thread of its own.</summary>
internal interface IWorkerLink : IAsyncDisposable
{
    void Order(WorkerOrder order);
}
