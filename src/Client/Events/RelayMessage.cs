using System.Text;

namespace Weir.Client.Events;

/// <summary>A message as its sender sent it.</summary>
/// <param name="Payload">The bytes; the receiver owns them.</param>
/// <param name="IsText">Whether it was sent as text; then it is UTF-8.</param>
public readonly record struct RelayMessage(ReadOnlyMemory<byte> Payload, bool IsText)
{
    /// <summary>Gets the payload decoded as UTF-8.</summary>
    public string Text => Encoding.UTF8.GetString(Payload.Span);
}
