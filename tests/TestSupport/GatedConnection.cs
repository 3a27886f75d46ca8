namespace Weir.TestSupport;

/// <summary>
/// An <see cref="InMemoryConnection"/> whose output is a <see cref="StallingPipeWriter"/>: the test reads the server's bytes
/// from <see cref="Gate"/>, and the client's end only receives the end of the stream.
/// </summary>
public sealed class GatedConnection : InMemoryConnection
{
    public GatedConnection(InMemoryConnectionOptions? options = null)
        : base(options)
    {
        Gate = new StallingPipeWriter(MemoryPool) { OnCompleted = error => ServerEnd.Output.Complete(error) };
        Transport = new DuplexPipe(ServerEnd.Input, Gate);
    }

    public StallingPipeWriter Gate { get; }

    /// <summary>
    /// Ends a pending flush and completes the writer if the server has not, then acts as the base; throws if the server
    /// broke a rule of <see cref="StallingPipeWriter"/>.
    /// </summary>
    public override async ValueTask DisposeAsync()
    {
        Gate.CompleteReader();
        if (!Gate.IsCompleted)
        {
            await Gate.CompleteAsync();
        }

        await base.DisposeAsync();
        Gate.AssertClean();
    }

    private protected override void OnDown() => Gate.CompleteReader();
}
