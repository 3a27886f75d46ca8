namespace Weir.Client.Sending;

/// <summary>A message to raw rooms.</summary>
internal sealed class RawSend(ReadOnlyMemory<byte> payload, bool isText) : PendingSend(payload, isText)
{
    private readonly TaskCompletionSource<SendResult> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<SendResult> Result => _result.Task;

    public override void End(SendResult result) => _result.TrySetResult(result);

    public override void Cancel(CancellationToken by) => _result.TrySetCanceled(by);
}
