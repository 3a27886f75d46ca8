using System.Net;
using Microsoft.Extensions.Logging;

namespace Weir.Relay.Diagnostics;

/// <summary>
/// The calls of the HTTP API that change something, in a category of their own: <c>Weir.Audit</c>. Publications, of which there may be
/// thousands a second, are at level Debug. No message has a parameter for data or for the value of a key. Ids 590-599.
/// </summary>
internal static partial class AuditLog
{
    public const string Category = "Weir.Audit";

    // Names come from back ends: without line breaks, which would forge lines, and of a bounded length.
    private const int LongestName = 200;

    [LoggerMessage(
        590, LogLevel.Debug, "{Key} at {Address}: {Method} to {Rooms} rooms, first {Room}: {Outcome}", EventName = "AuditPublish")]
    public static partial void Published(
        ILogger logger, string key, IPAddress? address, string method, int rooms, string room, string outcome);

    [LoggerMessage(591, LogLevel.Information, "{Key} at {Address}: history_remove of {Room}: {Outcome}", EventName = "AuditHistoryRemove")]
    public static partial void HistoryRemoved(ILogger logger, string key, IPAddress? address, string room, string outcome);

    [LoggerMessage(
        592, LogLevel.Information, "{Key} at {Address}: disconnect of user '{User}' client '{Client}' with {Code}: {Outcome}",
        EventName = "AuditDisconnect")]
    public static partial void Disconnected(
        ILogger logger, string key, IPAddress? address, string user, string client, int code, string outcome);

    [LoggerMessage(593, LogLevel.Warning, "{Key} at {Address}: {Method} denied, the key lacks the right", EventName = "AuditDenied")]
    public static partial void Denied(ILogger logger, string key, IPAddress? address, string method);

    public static string Shown(string name)
    {
        string cut = name.Length > LongestName ? string.Concat(name.AsSpan(0, LongestName), "…") : name;
        return string.Create(cut.Length, cut, static (shown, from) =>
        {
            for (int i = 0; i < from.Length; i++)
            {
                shown[i] = char.IsControl(from[i]) || from[i] is '\u2028' or '\u2029' ? '?' : from[i];
            }
        });
    }
}
