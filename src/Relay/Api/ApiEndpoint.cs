using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;
using Weir.Relay.Http;
using Weir.Relay.Json;
using Weir.Relay.Nodes;
using HeaderNames = Microsoft.Net.Http.Headers.HeaderNames;

namespace Weir.Relay.Api;

/// <summary>
/// The HTTP side of the API: the key, the body, the answer. An error of a method is part of a 200, as Centrifugo's clients expect; an
/// invalid request has a status of its own, and an error in the same form as its body.
/// </summary>
internal sealed class ApiEndpoint
{
    // The request itself is the level around each value.
    private static readonly JsonDocumentOptions _json = new() { MaxDepth = JsonText.MaxDepth + 1 };

    private readonly ApiMethods _methods;
    private readonly RelayNode _relay;
    private readonly int _maxBodyBytes;
    private readonly byte[]? _keyHash;

    /// <param name="relay">The node.</param>
    /// <param name="key">The required value of <c>X-API-Key</c>; empty: the API is off.</param>
    /// <param name="maxBodyBytes">The largest request body.</param>
    public ApiEndpoint(RelayNode relay, string key, int maxBodyBytes)
    {
        _methods = new ApiMethods(relay);
        _relay = relay;
        _maxBodyBytes = maxBodyBytes;
        _keyHash = key.Length > 0 ? SHA256.HashData(Encoding.UTF8.GetBytes(key)) : null;
    }

    public async Task InvokeAsync(HttpContext http)
    {
        string name = http.Request.RouteValues["method"] as string ?? "";
        if (_keyHash is null)
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        if (!HttpMethods.IsPost(http.Request.Method))
        {
            http.Response.Headers[HeaderNames.Allow] = HttpMethods.Post;
            await RefuseAsync(http, StatusCodes.Status405MethodNotAllowed, ApiError.BadRequest("Send a POST.")).ConfigureAwait(false);
            return;
        }

        // Before any other part of the request is read.
        if (!HasKey(http.Request))
        {
            RelayLog.KeyRefused(_relay.Logger, _methods.Find(name) is null ? "?" : name);
            await RefuseAsync(http, StatusCodes.Status401Unauthorized, ApiError.Unauthorized).ConfigureAwait(false);
            return;
        }

        if (_methods.Find(name) is not { } method)
        {
            await RefuseAsync(http, StatusCodes.Status404NotFound, ApiError.MethodNotFound).ConfigureAwait(false);
            return;
        }

        RequestBody body = await RequestBody.ReadAsync(http, _maxBodyBytes).ConfigureAwait(false);
        if (body.StatusCode != 0)
        {
            await RefuseAsync(http, body.StatusCode, ApiError.BadRequest(body.Complaint)).ConfigureAwait(false);
            return;
        }

        try
        {
            using JsonDocument request = JsonDocument.Parse(body.Bytes, _json);
            if (request.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new ApiException(ApiError.BadRequest("The body must be an object."));
            }

            await AnswerAsync(http, name, method, request.RootElement).ConfigureAwait(false);
        }
        catch (JsonException error)
        {
            ApiError complaint = ApiError.BadRequest(
                $"The body must be JSON whose values have at most {JsonText.MaxDepth} levels. {error.Message}");
            await RefuseAsync(http, StatusCodes.Status400BadRequest, complaint).ConfigureAwait(false);
        }
        catch (ApiException error)
        {
            await WriteErrorAsync(http, error.Error).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client no longer waits for the answer.
        }
    }

    // The hashes have one length, so the time does not reveal how much of the key is right.
    private bool HasKey(HttpRequest request)
    {
        StringValues given = request.Headers["X-API-Key"];
        return given.Count == 1
            && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(given[0] ?? "")), _keyHash);
    }

    private async Task AnswerAsync(HttpContext http, string name, ApiMethods.Method method, JsonElement request)
    {
        ArrayBufferWriter<byte> answer = new();
        Utf8JsonWriter json = new(answer);
        await using (json.ConfigureAwait(false))
        {
            json.WriteStartObject();
            json.WritePropertyName("result");
            try
            {
                await method(request, json, http.RequestAborted).ConfigureAwait(false);
            }
            catch (BrokerUnavailableException error)
            {
                RelayLog.BrokerNotAsked(_relay.Logger, error, name);
                throw new ApiException(ApiError.Internal);
            }
            catch (Exception error) when (error is not (ApiException or OperationCanceledException))
            {
                RelayLog.ApiFailed(_relay.Logger, error, name);
                throw new ApiException(ApiError.Internal);
            }

            json.WriteEndObject();
        }

        await SendAsync(http, answer.WrittenMemory).ConfigureAwait(false);
    }

    private static Task RefuseAsync(HttpContext http, int statusCode, ApiError error)
    {
        http.Response.StatusCode = statusCode;
        return WriteErrorAsync(http, error);
    }

    private static async Task WriteErrorAsync(HttpContext http, ApiError error)
    {
        ArrayBufferWriter<byte> answer = new();
        Utf8JsonWriter json = new(answer);
        await using (json.ConfigureAwait(false))
        {
            json.WriteStartObject();
            error.WriteTo(json);
            json.WriteEndObject();
        }

        await SendAsync(http, answer.WrittenMemory).ConfigureAwait(false);
    }

    private static async Task SendAsync(HttpContext http, ReadOnlyMemory<byte> answer)
    {
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = answer.Length;
        await http.Response.BodyWriter.WriteAsync(answer, http.RequestAborted).ConfigureAwait(false);
    }
}
