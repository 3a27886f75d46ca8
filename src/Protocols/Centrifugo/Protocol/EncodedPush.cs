namespace Weir.Protocols.Centrifugo.Protocol;

/// <summary>
/// A message to several clients, encoded once: as it is sent on a connection, and for each form of stream at its first use. Not
/// thread-safe.
/// </summary>
/// <param name="message">The message on a connection.</param>
internal sealed class EncodedPush(byte[] message)
{
    private readonly byte[]?[] _forms = new byte[]?[2];

    public ReadOnlyMemory<byte> Message => message;

    public byte[] As(StreamForm form) => _forms[(int)form] ??= StreamForms.Format(form, message);
}
