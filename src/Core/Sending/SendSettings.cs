using Weir.Protocol.Compression;

namespace Weir.Sending;

/// <summary>The settings that all senders of one endpoint share.</summary>
/// <param name="Runs">Where encoded frames live while they wait.</param>
/// <param name="Pressure">The settings for slow clients.</param>
/// <param name="Ledger">The node's account of queued bytes.</param>
/// <param name="DeflateMinimumBytes">Messages below this size are sent uncompressed.</param>
/// <param name="Zlib">Compression states; <c>null</c> if the endpoint does not offer permessage-deflate.</param>
internal sealed record SendSettings(
    SharedFramesPool Runs, PressureSettings Pressure, PressureLedger Ledger, int DeflateMinimumBytes, ZlibPool? Zlib);
