namespace Weir.Relay.Api;

/// <summary>An error as Centrifugo's API names it: one of its numbers and a few words.</summary>
internal sealed record ApiError(int Code, string Message)
{
    /// <summary>The broker is away; the request may be made again.</summary>
    public static readonly ApiError Internal = new(100, "internal server error");

    /// <summary>No such room may be.</summary>
    public static readonly ApiError UnknownChannel = new(102, "unknown channel");

    /// <summary>The key is missing or wrong.</summary>
    public static readonly ApiError Unauthorized = new(101, "unauthorized: X-API-Key is missing, or is not the server's");

    /// <summary>The API has no such method.</summary>
    public static readonly ApiError MethodNotFound = new(104, "method not found");

    /// <summary>The room keeps nothing of what was asked for.</summary>
    public static readonly ApiError NotAvailable = new(108, "not available");

    /// <summary>The position that was named is not of this epoch.</summary>
    public static readonly ApiError UnrecoverablePosition = new(112, "unrecoverable position");

    /// <summary>Something is missing, or of another kind.</summary>
    public static ApiError BadRequest(string complaint) => new(107, "bad request: " + complaint);
}

/// <summary>Ends a request with an error in its answer.</summary>
internal sealed class ApiException(ApiError error) : Exception(error.Message)
{
    public ApiError Error => error;
}
