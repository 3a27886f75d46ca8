using System.Globalization;
using System.Text;
using Weir.Connections;
using Weir.Protocol;

namespace Weir.Integration.Servers;

/// <summary>
/// Echoes every message, but executes a text that begins with an exclamation mark: <c>!close CODE REASON</c>,
/// <c>!abort</c>, <c>!throw</c>, <c>!protocol</c> (answers with the subprotocol).
/// </summary>
internal sealed class ScriptedHandler : WeirHandler
{
    public override async ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
    {
        if (message.Kind == MessageKind.Binary || message.Payload.FirstSpan is not [(byte)'!', ..])
        {
            connection.Send(message.Payload, message.Kind);
            return;
        }

        string[] words = Encoding.UTF8.GetString(message.Payload).Split(' ', 3);
        switch (words[0])
        {
            case "!close":
                connection.Close((CloseCode)int.Parse(words[1], CultureInfo.InvariantCulture), words[2]);
                break;
            case "!abort":
                connection.Abort();
                break;
            case "!protocol":
                connection.Send(connection.Subprotocol ?? "none");
                break;
            default:
                await Task.Yield(); // an asynchronous failure takes the longer way
                throw new InvalidOperationException("secret of the handler");
        }
    }
}
