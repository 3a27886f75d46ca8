namespace Weir.Client.Transport;

/// <summary>The address of the relay with the rooms in its query.</summary>
internal static class RelayAddress
{
    public static Uri Of(Uri endpoint, IEnumerable<string> rooms)
    {
        Check(endpoint);
        string query = string.Join('&', rooms.Select(static room => $"room={Uri.EscapeDataString(room)}"));
        return new UriBuilder(endpoint)
        {
            Query = endpoint.Query.Length > 1 && query.Length > 0 ? $"{endpoint.Query}&{query}" : endpoint.Query + query,
            Fragment = "",
        }.Uri;
    }

    /// <exception cref="ArgumentException">Not an absolute address of a WebSocket.</exception>
    public static void Check(Uri endpoint)
    {
        if (!endpoint.IsAbsoluteUri || endpoint.Scheme is not ("ws" or "wss"))
        {
            throw new ArgumentException($"'{endpoint}' is not an absolute address with ws or wss.", nameof(endpoint));
        }
    }
}
