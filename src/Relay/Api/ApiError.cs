using System.Text.Json;

namespace Weir.Relay.Api;

/// <summary>An error with code and message of Centrifugo's API.</summary>
internal sealed record ApiError(int Code, string Message)
{
    /// <summary>The broker is unavailable; the client may retry the request.</summary>
    public static readonly ApiError Internal = new(100, "internal server error");

    /// <summary>The name is not allowed.</summary>
    public static readonly ApiError UnknownChannel = new(102, "unknown channel");

    /// <summary>The key is missing or wrong.</summary>
    public static readonly ApiError Unauthorized = new(101, "unauthorized: X-API-Key is missing, or is not the server's");

    /// <summary>The key does not permit the method, or not for this room.</summary>
    public static readonly ApiError PermissionDenied = new(103, "permission denied");

    /// <summary>The API has no such method.</summary>
    public static readonly ApiError MethodNotFound = new(104, "method not found");

    /// <summary>The room does not keep the requested data.</summary>
    public static readonly ApiError NotAvailable = new(108, "not available");

    /// <summary>The requested position is not of this epoch.</summary>
    public static readonly ApiError UnrecoverablePosition = new(112, "unrecoverable position");

    /// <summary>A field is missing, or of another type.</summary>
    public static ApiError BadRequest(string complaint) => new(107, "bad request: " + complaint);

    /// <summary>Writes it as the property <c>error</c> of the current object.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject("error");
        json.WriteNumber("code", Code);
        json.WriteString("message", Message);
        json.WriteEndObject();
    }
}

/// <summary>Ends a request with an error in its answer.</summary>
internal sealed class ApiException(ApiError error) : Exception(error.Message)
{
    public ApiError Error => error;
}
