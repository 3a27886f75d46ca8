using Weir.Compression;

namespace Weir.Sending;

/// <summary>What all senders of one endpoint share.</summary>
/// <param name="Runs">Where encoded frames live while they wait.</param>
/// <param name="Pressure">What happens to slow clients.</param>
/// <param name="Ledger">The node's account of what waits.</param>
/// <param name="DeflateMinimumBytes">Messages below this size go out uncompressed.</param>
/// <param name="Zlib">Compression states; null when the endpoint does not offer permessage-deflate.</param>
internal sealed record SendSettings(
    FrameRunPool Runs, PressureSettings Pressure, PressureLedger Ledger, int DeflateMinimumBytes, ZlibPool? Zlib);
