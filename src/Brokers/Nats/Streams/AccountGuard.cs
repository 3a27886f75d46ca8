using System.Globalization;
using System.Text.Json;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Streams;

/// <summary>
/// Ends writing before the account's share of the disk is used up: a server that exceeds it stores the message, removes it again, and then
/// takes the subject for empty though earlier messages are there, so that the room would begin a new sequence.
/// </summary>
internal static class AccountGuard
{
    private const double Share = 0.95;

    /// <summary>Returns why nothing may be stored; <c>null</c> if it may.</summary>
    /// <exception cref="BrokerUnavailableException">JetStream does not answer.</exception>
    public static async Task<string?> RefusalOfAsync(JetStream jetStream)
    {
        JsonElement account = await jetStream.AskAsync("INFO", default);
        if (JetStream.ErrorOf(account) is { } error)
        {
            return error.Text;
        }

        long used = account.TryGetProperty("storage", out JsonElement storage) ? storage.GetInt64() : 0;
        long limit = account.TryGetProperty("limits", out JsonElement limits) && limits.TryGetProperty("max_storage", out JsonElement most)
            ? most.GetInt64()
            : -1;
        return limit > 0 && used > limit * Share
            ? string.Create(CultureInfo.InvariantCulture, $"the account uses {used} of its {limit} bytes of storage")
            : null;
    }
}
