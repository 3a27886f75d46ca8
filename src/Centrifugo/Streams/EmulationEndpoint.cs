using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Weir.Centrifugo.Sessions;
using Weir.Handshake;
using Weir.Relay;
using Weir.Relay.Http;
using Weir.Relay.Sse;

namespace Weir.Centrifugo.Streams;

/// <summary>
/// Where clients of streams speak: <c>{session, node, data}</c>, passed on to the node that has the session.
/// </summary>
internal sealed class EmulationEndpoint(CentrifugoHub hub, StreamDoor door, int maxMessageBytes)
{
    public Task InvokeAsync(HttpContext http) => door.InvokeAsync(http, HttpMethods.Post, ServeAsync, lastEvent: null);

    private async Task<HandshakeRefusal?> ServeAsync(HttpContext http)
    {
        // As a string in JSON the commands take up to twice their size, and rarely more.
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

    private async Task<int> PassOnAsync(string session, string node, byte[] data, CancellationToken gone)
    {
        try
        {
            return await hub.Relay.PassOnAsync(node, session, data, gone).ConfigureAwait(false)
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
                || !JsonText.TryGetText(root, "data", out string? said))
            {
                return false;
            }

            session = ofSession;
            node = ofNode;
            data = Encoding.UTF8.GetBytes(said);

            // Node ids are hexadecimal; anything else would be an address at the broker that a client made up.
            return session.Length > 0 && node.Length is > 0 and <= 64 && node.All(char.IsAsciiHexDigitLower);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
