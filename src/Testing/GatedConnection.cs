namespace Weir.Testing;

/// <summary>
/// An <see cref="InMemoryConnection"/> whose output is a <see cref="StallingPipeWriter"/>: the test reads the server's bytes
/// from <see cref="Gate"/>, and the client's end only receives the end of the stream.
/// </summary>
public sealed class GatedConnection : InMemoryConnection
{
    /// <summary>Creates an open connection.</summary>
    /// <param name="options">The settings; <c>null</c> for the defaults.</param>
    public GatedConnection(InMemoryConnectionOptions? options = null)
        : base(options)
    {
        Gate = new StallingPipeWriter(MemoryPool) { OnCompleted = error => ServerEnd.Output.Complete(error) };
        Transport = new DuplexPipe(ServerEnd.Input, Gate);
    }

    /// <summary>The output of the server, which the test holds up and reads.</summary>
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
