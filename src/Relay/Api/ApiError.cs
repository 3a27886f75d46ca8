namespace Weir.Relay.Api;

/// <summary>An error as Centrifugo's API names it: one of its numbers and a few words.</summary>
internal sealed record ApiError(int Code, string Message)
{
    /// <summary>The broker is away; the request may be made again.</summary>
    public static readonly ApiError Internal = new(100, "internal server error");

    /// <summary>No such room may be.</summary>
    public static readonly ApiError UnknownChannel = new(102, "unknown channel");

    /// <summary>Something is missing, or of another kind.</summary>
    public static readonly ApiError BadRequest = new(107, "bad request");

    /// <summary>The room keeps nothing of what was asked for.</summary>
    public static readonly ApiError NotAvailable = new(108, "not available");

    /// <summary>The position that was named is not of this epoch.</summary>
    public static readonly ApiError UnrecoverablePosition = new(112, "unrecoverable position");
}

/// <summary>Ends a request with an error in its answer.</summary>
internal sealed class ApiException(ApiError error) : Exception(error.Message)
{
    public ApiError Error => error;
}
