namespace Weir.Protocols.Centrifugo.Protocol;

/// <summary>
/// A message to several clients, encoded once: as JSON, and for each form of stream at its first use. Not thread-safe.
/// </summary>
/// <param name="json">One line.</param>
internal sealed class EncodedPush(byte[] json)
{
    private readonly byte[]?[] _forms = new byte[]?[2];

    public ReadOnlyMemory<byte> Json => json;

    public byte[] As(StreamForm form) => _forms[(int)form] ??= StreamForms.Format(form, json);
}
