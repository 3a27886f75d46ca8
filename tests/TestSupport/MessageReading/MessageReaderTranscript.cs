using System.Text;
using Weir.Connections;

namespace Weir.TestSupport.MessageReading;

/// <summary>One thing the reader reported.</summary>
/// <param name="Kind">A message handed out in fragments counts as one Message, whose payload is all of them.</param>
/// <param name="Detail">For messages their kind; else the close code and its reason.</param>
/// <param name="Payload">A copy: the reader's own is valid until its next call only.</param>
/// <param name="ArrivedBytes">How much of the stream had arrived when it was reported.</param>
internal readonly record struct MessageReaderEvent(ReadEvent Kind, string Detail, byte[] Payload, int ArrivedBytes)
{
    /// <summary>Equal but for when it was reported.</summary>
    public bool IsSameAs(in MessageReaderEvent other) =>
        Kind == other.Kind && Detail == other.Detail && Payload.AsSpan().SequenceEqual(other.Payload);

    public override string ToString() => Kind switch
    {
        ReadEvent.Message when Detail == "text" => $"text \"{Encoding.UTF8.GetString(Payload)}\"",
        ReadEvent.Message => $"binary {Convert.ToHexString(Payload)}",
        ReadEvent.Ping => $"ping {Convert.ToHexString(Payload)}",
        ReadEvent.Pong => $"pong {Convert.ToHexString(Payload)}",
        ReadEvent.Close => $"close {Detail}",
        _ => $"fault {Detail}",
    };
}

/// <summary>All a reader made of a stream.</summary>
internal sealed class MessageReaderTranscript
{
    /// <summary>Up to the Close or the first fault.</summary>
    public List<MessageReaderEvent> Events { get; } = [];

    /// <summary>Pieces of a message that did not end.</summary>
    public List<byte> Unfinished { get; } = [];

    /// <summary>How many pieces were handed out.</summary>
    public int Pieces { get; set; }

    /// <summary>A Close was found behind the fault, or was the fault.</summary>
    public bool ClosedAfterFault { get; set; }

    /// <summary>The most bytes rented at one time.</summary>
    public long PeakRentedBytes { get; set; }

    public bool HasFault => Events is [.., { Kind: ReadEvent.Fault }];

    public bool IsSameAs(MessageReaderTranscript other)
    {
        if (Events.Count != other.Events.Count)
        {
            return false;
        }

        for (int i = 0; i < Events.Count; i++)
        {
            if (!Events[i].IsSameAs(other.Events[i]))
            {
                return false;
            }
        }

        return true;
    }

    public override string ToString() => string.Join(" | ", Events);
}
