namespace Weir.Centrifugo.Protocol;

/// <summary>
/// A message to several clients, encoded once: as it is, and in the forms that streams need when the first of them asks. Only
/// used by one thread at a time.
/// </summary>
/// <param name="json">One line.</param>
internal sealed class Push(byte[] json)
{
    private readonly byte[]?[] _forms = new byte[]?[2];

    public ReadOnlyMemory<byte> Json => json;

    public byte[] As(StreamForm form) => _forms[(int)form] ??= StreamForms.Format(form, json);
}
