using System.Text;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Testing;

/// <summary>Publications whose data is text.</summary>
public static class PublicationTexts
{
    /// <summary>Gets the data as text.</summary>
    public static string Text(this Publication publication) => Encoding.UTF8.GetString(publication.Data.Span);

    /// <summary>Makes a publication of a text.</summary>
    /// <param name="text">The data.</param>
    /// <param name="node">The id of the publishing node; <c>null</c>: none.</param>
    /// <param name="sequence">That node's number for it; 0: none.</param>
    public static Publication ToPublication(this string text, string? node = null, long sequence = 0)
        => new() { Data = Encoding.UTF8.GetBytes(text), Node = node, NodeSequence = sequence };
}
