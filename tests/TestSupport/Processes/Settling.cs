using Weir.Testing;

namespace Weir.TestSupport.Processes;

/// <summary>Waits for states that a client does not receive.</summary>
public static class Settling
{
    /// <summary>
    /// Waits until the handler has opened the connection: the 101 comes before that, and the Pong from the loop that starts
    /// after it.
    /// </summary>
    public static async Task SettleAsync(this RawClient client)
    {
        await client.SendRawAsync(Frames.Ping("settled"u8));
        ServerFrame pong = await client.ReadFrameAsync();
        if (pong.Opcode != 0xA || pong.Text != "settled")
        {
            throw new InvalidDataException($"Not the Pong: {pong}");
        }
    }
}
