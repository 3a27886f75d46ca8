namespace Weir.Client.Sending;

/// <summary>A message to raw rooms.</summary>
internal sealed class RawSend(ReadOnlyMemory<byte> payload, bool isText) : PendingSend(payload, isText)
{
    private readonly TaskCompletionSource<DeliveryResult> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<DeliveryResult> Result => _result.Task;

    public override void End(DeliveryResult result) => _result.TrySetResult(result);

    public override void Cancel(CancellationToken by) => _result.TrySetCanceled(by);
}
