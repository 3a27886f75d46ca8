using System.Buffers;
using System.Text;

namespace Weir.Brokers.Redis.Links;

internal sealed partial class SubscriberLink
{
    // Two buffers in turn: one is filled, under the gate, while the other is being sent.
    private ArrayBufferWriter<byte> _filling = new();
    private ArrayBufferWriter<byte> _sending = new();
    private bool _isSending;

    private Task<string> SendAsync(LinkRequestKind kind, ReadOnlySpan<string> command)
    {
        LinkRequest request = new(kind, kind == LinkRequestKind.Command ? null : command[1]);
        bool mustStart;
        lock (_gate)
        {
            if (_downReason is not null)
            {
                return Task.FromException<string>(new LinkRefusedException("The link to Redis is down.", _downReason));
            }

            // In the same step, so that the requests wait in the order in which they are sent.
            _unanswered.Enqueue(request);
            Append(_filling, command);
            mustStart = !_isSending;
            _isSending = true;
        }

        if (mustStart)
        {
            _ = FlushAsync();
        }

        return request.Task;
    }

    private static void Append(ArrayBufferWriter<byte> target, ReadOnlySpan<string> command)
    {
        Encoding.UTF8.GetBytes($"*{command.Length}\r\n", target);
        foreach (string argument in command)
        {
            Encoding.UTF8.GetBytes($"${Encoding.UTF8.GetByteCount(argument)}\r\n", target);
            Encoding.UTF8.GetBytes(argument, target);
            target.Write("\r\n"u8);
        }
    }

    private async Task FlushAsync()
    {
        // Not on the caller's stack, since the caller may hold locks.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            while (true)
            {
                lock (_gate)
                {
                    if (_filling.WrittenCount == 0 || _downReason is not null)
                    {
                        _isSending = false;
                        return;
                    }

                    (_filling, _sending) = (_sending, _filling);
                }

                await _stream.WriteAsync(_sending.WrittenMemory);
                _sending.ResetWrittenCount();
            }
        }
        catch (Exception error)
        {
            GoDown(error);
        }
    }
}
