using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
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
    private readonly WeirNode _node;
    private readonly IReadOnlyList<ApiCaller> _callers;
    private readonly ILogger _audit;

    /// <param name="relay">The node's rooms.</param>
    /// <param name="node">Resolves the addresses of callers.</param>
    /// <param name="callers">The holders of keys; empty: the API is off.</param>
    /// <param name="maxBodyBytes">The largest request body.</param>
    /// <param name="loggers">For the log of calls.</param>
    public ApiEndpoint(RelayNode relay, WeirNode node, IReadOnlyList<ApiCaller> callers, int maxBodyBytes, ILoggerFactory loggers)
    {
        _methods = new ApiMethods(relay);
        _relay = relay;
        _node = node;
        _callers = callers;
        _maxBodyBytes = maxBodyBytes;
        _audit = loggers.CreateLogger(AuditLog.Category);
    }

    public async Task InvokeAsync(HttpContext http)
    {
        string name = http.Request.RouteValues["method"] as string ?? "";
        if (_callers.Count == 0)
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
        if (CallerOf(http.Request) is not { } caller)
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

            ApiCall call = new(caller, _node.GetClientAddress(http), name, _audit);
            call.Require(method.Right);
            await AnswerAsync(http, name, method.Run, call, request.RootElement).ConfigureAwait(false);
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

    private ApiCaller? CallerOf(HttpRequest request)
    {
        StringValues given = request.Headers["X-API-Key"];
        return given.Count == 1 ? ApiCaller.Find(_callers, given[0] ?? "") : null;
    }

    private async Task AnswerAsync(
        HttpContext http, string name, ApiMethods.Method method, ApiCall call, JsonElement request)
    {
        ArrayBufferWriter<byte> answer = new();
        Utf8JsonWriter json = new(answer);
        await using (json.ConfigureAwait(false))
        {
            json.WriteStartObject();
            json.WritePropertyName("result");
            try
            {
                await method(call, request, json, http.RequestAborted).ConfigureAwait(false);
                call.End("done");
            }
            catch (ApiException error)
            {
                call.End(error.Error.Message);
                throw;
            }
            catch (BrokerUnavailableException error)
            {
                RelayLog.BrokerNotAsked(_relay.Logger, error, name);
                call.End("the broker is unavailable");
                throw new ApiException(ApiError.Internal);
            }
            catch (OperationCanceledException)
            {
                call.End("cancelled by the caller");
                throw;
            }
            catch (Exception error)
            {
                RelayLog.ApiFailed(_relay.Logger, error, name);
                call.End("failed");
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
