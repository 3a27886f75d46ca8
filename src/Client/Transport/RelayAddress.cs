using Weir.Client.Validation;

namespace Weir.Client.Transport;

/// <summary>Builds the relay's address with the rooms in its query.</summary>
internal static class RelayAddress
{
    public static Uri Of(Uri endpoint, IEnumerable<string> rooms)
    {
        Check(endpoint);
        rooms = [.. rooms];
        if (rooms.FirstOrDefault(static room => !WellFormed.Is(room)) is { } broken)
        {
            // Escaping would turn it into U+FFFD, and all such names would share one room.
            throw new ArgumentException($"The room '{broken}' has half of a surrogate pair.", nameof(rooms));
        }

        string query = string.Join('&', rooms.Select(static room => $"room={Uri.EscapeDataString(room)}"));
        return new UriBuilder(endpoint)
        {
            Query = endpoint.Query.Length > 1 && query.Length > 0 ? $"{endpoint.Query}&{query}" : endpoint.Query + query,
            Fragment = "",
        }.Uri;
    }

    /// <exception cref="ArgumentException">Not an absolute address with <c>ws</c> or <c>wss</c>.</exception>
    public static void Check(Uri endpoint)
    {
        if (!endpoint.IsAbsoluteUri || endpoint.Scheme is not ("ws" or "wss"))
        {
            throw new ArgumentException($"'{endpoint}' is not an absolute address with ws or wss.", nameof(endpoint));
        }
    }
}
