using System.Buffers;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Weir.Auth;
using Weir.Host.Settings;

namespace Weir.Host.Commands;

/// <summary><c>token</c>: creates a token with the configured secret, for development.</summary>
internal static class TokenCommand
{
    private static readonly Option<string> _sub = new("--sub") { Description = "The user's id; without it the token has no user" };
    private static readonly Option<string[]> _room = Several("--room", "A room or glob such as chat:* it may listen to; may be repeated");
    private static readonly Option<string[]> _publish =
        Several("--publish", "A room or glob it may publish to; without it the room rules decide");
    private static readonly Option<string[]> _subs = Several("--subs", "A room that the server subscribes it to automatically");

    private static readonly Option<string?> _channel = new("--channel")
    {
        Description = "Creates a separate token for this one room, which a private room requires besides that of the connection",
    };

    private static readonly Option<string?> _info = new("--info")
    {
        Description = "What others may see of the user, as JSON",
        Validators = { static result => Check(result, IsJson, "is not JSON") },
    };

    private static readonly Option<string> _for = new("--for")
    {
        Description = "Its lifetime, as 90s, 10m or 1h",
        DefaultValueFactory = static _ => "1h",
        Validators = { static result => Check(result, IsLifetime, "is not a time up to a hundred years, such as 90s, 10m or 1h") },
    };

    public static Command Create()
    {
        Command command = new(
            "token", "Creates a token for development with Weir:Auth:Jwt:Secret, and prints it: token --sub u1 --room 'chat:*' --for 1h")
        {
            _sub, _room, _publish, _subs, _channel, _info, _for,
        };
        return command.WithSettings(static (parsed, features, _, _) => Task.FromResult(Run(parsed, features.Auth.Jwt)));
    }

    private static int Run(ParseResult parsed, JwtOptions jwt)
    {
        if (jwt.Secret.Length == 0)
        {
            Console.Error.WriteLine(
                "Weir:Auth:Jwt:Secret is not set. Tokens that are verified by public keys require the private key of their issuer.");
            return 1;
        }

        string algorithm = jwt.Algorithms.FirstOrDefault(static name => name.StartsWith("HS", StringComparison.Ordinal))
            ?? SecurityAlgorithms.HmacSha256;
        SigningCredentials key = new(new SymmetricSecurityKey(Encoding.UTF8.GetBytes(jwt.Secret)), algorithm);
        JsonWebTokenHandler handler = new() { SetDefaultTimesOnTokenCreation = false };
        Console.WriteLine(handler.CreateToken(PayloadOf(parsed, jwt), key));
        return 0;
    }

    private static string PayloadOf(ParseResult parsed, JwtOptions jwt)
    {
        ArrayBufferWriter<byte> payload = new();
        using (Utf8JsonWriter json = new(payload))
        {
            _ = Duration.TryParse(parsed.GetValue(_for)!, out TimeSpan lifetime);
            DateTimeOffset now = TimeProvider.System.GetUtcNow();
            json.WriteStartObject();
            Write(json, "sub", parsed.GetValue(_sub));
            Write(json, "iss", jwt.Issuers.Count > 0 ? jwt.Issuers[0] : null);
            Write(json, "aud", jwt.Audiences.Count > 0 ? jwt.Audiences[0] : null);
            Write(json, "channel", parsed.GetValue(_channel));
            Write(json, "channels", parsed.GetValue(_room));
            Write(json, "publish", parsed.GetValue(_publish));
            if (parsed.GetValue(_subs) is { Length: > 0 } subs)
            {
                json.WriteStartObject("subs");
                foreach (string room in subs)
                {
                    json.WriteStartObject(room);
                    json.WriteEndObject();
                }

                json.WriteEndObject();
            }

            if (parsed.GetValue(_info) is { } info)
            {
                json.WritePropertyName("info");
                json.WriteRawValue(info);
            }

            json.WriteNumber("iat", now.ToUnixTimeSeconds());
            json.WriteNumber("exp", (now + lifetime).ToUnixTimeSeconds());
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(payload.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter json, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            json.WriteString(name, value);
        }
    }

    private static void Write(Utf8JsonWriter json, string name, string[]? values)
    {
        if (values is { Length: > 0 })
        {
            json.WriteStartArray(name);
            foreach (string value in values)
            {
                json.WriteStringValue(value);
            }

            json.WriteEndArray();
        }
    }

    private static Option<string[]> Several(string name, string description) => new(name) { Description = description };

    private static void Check(OptionResult result, Predicate<string> isGood, string complaint)
    {
        if (result.Tokens is [var token, ..] && !isGood(token.Value))
        {
            result.AddError($"{result.Option.Name}: '{token.Value}' {complaint}.");
        }
    }

    private static bool IsLifetime(string text) => Duration.TryParse(text, out TimeSpan value) && value <= TimeSpan.FromDays(36_500);

    private static bool IsJson(string text)
    {
        try
        {
            using JsonDocument parsed = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
