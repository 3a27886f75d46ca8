namespace Weir.TestSupport.MessageReading;

/// <summary>Three readers of the same bytes, valid or not, must return the same events.</summary>
internal static class MessageReaderDifferential
{
    /// <summary>
    /// Plays the stream whole, as <paramref name="delivery"/> has it, and so in pieces. Returns what was seen.
    /// </summary>
    /// <exception cref="MessageReaderMisbehaviorException">They differ, or what the driver watches for.</exception>
    public static MessageReaderTranscript Compare(
        MessageReaderSetup setup, MessageReaderPools pools, byte[] stream, MessageReaderDelivery delivery)
    {
        MessageReaderTranscript whole = Play(setup, pools, stream, MessageReaderDelivery.Whole);
        foreach (MessageReaderSetup other in new[] { setup, setup with { StreamFragments = true } })
        {
            MessageReaderTranscript cut = Play(other, pools, stream, delivery);
            if (!whole.IsSameAs(cut))
            {
                throw new MessageReaderMisbehaviorException(
                    $"<{whole}> whole, but <{cut}> {delivery.How}, {other}: {Convert.ToHexString(stream)}");
            }
        }

        return whole;
    }

    private static MessageReaderTranscript Play(
        MessageReaderSetup setup, MessageReaderPools pools, byte[] stream, MessageReaderDelivery delivery)
    {
        try
        {
            return MessageReaderDriver.Play(setup, pools, stream, delivery);
        }
        catch (Exception error) when (error is not MessageReaderMisbehaviorException)
        {
            throw new MessageReaderMisbehaviorException(
                $"{error.GetType().Name} {delivery.How}, {setup}: {Convert.ToHexString(stream)}{Environment.NewLine}{error}");
        }
    }
}
