using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Weir.Handshake;
using Weir.Protocols.Centrifugo.Sessions;
using Weir.Relay.Brokers;
using Weir.Relay.Http;
using Weir.Relay.Json;
using Weir.Relay.Streams;

namespace Weir.Protocols.Centrifugo.Streams;

/// <summary>
/// Receives commands of stream clients, <c>{session, node, data}</c>, and forwards them to the node that has the session.
/// </summary>
internal sealed class EmulationEndpoint(CentrifugoHub hub, HttpStreamAdmission admission, int maxMessageBytes)
{
    public Task InvokeAsync(HttpContext http) => admission.InvokeAsync(http, HttpMethods.Post, ServeAsync, lastEvent: null);

    private async Task<HandshakeRefusal?> ServeAsync(HttpContext http)
    {
        // As a JSON string, commands take up to twice their size, rarely more.
        RequestBody body = await RequestBody.ReadAsync(http, checked((maxMessageBytes * 2) + 1024)).ConfigureAwait(false);
        if (body.StatusCode != 0)
        {
            await body.RefuseAsync(http).ConfigureAwait(false);
        }
        else if (!TryRead(body.Bytes, out string session, out string node, out byte[] data))
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
        }
        else if (data.Length > maxMessageBytes)
        {
            http.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
        }
        else
        {
            http.Response.StatusCode = await PassOnAsync(session, node, data, http.RequestAborted).ConfigureAwait(false);
        }

        return null;
    }

    private async Task<int> PassOnAsync(string session, string node, byte[] data, CancellationToken aborted)
    {
        try
        {
            return await hub.Relay.PassOnAsync(node, session, data, aborted).ConfigureAwait(false)
                ? StatusCodes.Status204NoContent : StatusCodes.Status404NotFound;
        }
        catch (BrokerUnavailableException)
        {
            return StatusCodes.Status503ServiceUnavailable;
        }
        catch (OperationCanceledException)
        {
            return StatusCodes.Status499ClientClosedRequest;
        }
    }

    private static bool TryRead(ReadOnlyMemory<byte> body, out string session, out string node, out byte[] data)
    {
        session = node = "";
        data = [];
        try
        {
            using JsonDocument request = JsonDocument.Parse(body);
            JsonElement root = request.RootElement;
            if (root.ValueKind != JsonValueKind.Object
                || !JsonText.TryGetText(root, "session", out string? ofSession)
                || !JsonText.TryGetText(root, "node", out string? ofNode)
                || !JsonText.TryGetText(root, "data", out string? text))
            {
                return false;
            }

            session = ofSession;
            node = ofNode;
            data = Encoding.UTF8.GetBytes(text);

            // Node ids are hexadecimal; any other value would be a client-chosen address at the broker.
            return session.Length > 0 && node.Length is > 0 and <= 64 && node.All(char.IsAsciiHexDigitLower);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
