using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Weir.Host.Features;

namespace Weir.Host.Commands;

/// <summary>What <c>check</c> has found, as text for a console and as JSON for programs, with its exit code.</summary>
internal static class CheckReport
{
    private static readonly JsonWriterOptions _json = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Returns 0 if nothing is above a note, 2 if there are warnings, 3 if there are dangers.</summary>
    public static int ExitCodeOf(Exposure exposure) => Worst(exposure) switch
    {
        Severity.Danger => 3,
        Severity.Warning => 2,
        _ => 0,
    };

    /// <summary>Returns the lines in sections, the most serious first.</summary>
    public static string ToText(Exposure exposure)
    {
        StringBuilder text = new();
        text.AppendLine("The configuration is valid.");
        foreach (IGrouping<Severity, Finding> same in exposure.Open.GroupBy(static finding => finding.Severity))
        {
            Append(text, same.Key.ToString(), same.Select(static finding => finding.Text));
        }

        Append(text, "Closed", exposure.Closed.Select(static finding => finding.Text));
        Append(text, "Keys", exposure.Keys);
        return text.ToString();
    }

    /// <summary>Returns one object: <c>valid</c>, <c>severity</c>, <c>findings</c>, <c>closed</c>, <c>keys</c>.</summary>
    public static string ToJson(Exposure exposure) => Write(json =>
    {
        json.WriteBoolean("valid", true);
        json.WriteString("severity", NameOf(Worst(exposure)));
        Write(json, "findings", exposure.Open, withSeverity: true);
        Write(json, "closed", exposure.Closed, withSeverity: false);
        Write(json, "keys", exposure.Keys);
    });

    /// <summary>Returns the object for a configuration that is not valid: <c>valid</c>, <c>errors</c>.</summary>
    public static string ToJson(IEnumerable<string> errors) => Write(json =>
    {
        json.WriteBoolean("valid", false);
        Write(json, "errors", errors);
    });

    private static Severity Worst(Exposure exposure)
        => exposure.Open.Select(static finding => finding.Severity).DefaultIfEmpty(Severity.Note).Max();

    private static void Append(StringBuilder text, string title, IEnumerable<string> lines)
    {
        string[] all = [.. lines];
        if (all.Length > 0)
        {
            text.AppendLine().Append(title).AppendLine(":");
            Array.ForEach(all, line => text.Append("  - ").AppendLine(line));
        }
    }

    private static string Write(Action<Utf8JsonWriter> members)
    {
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter json = new(bytes, _json))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan) + Environment.NewLine;
    }

    private static void Write(Utf8JsonWriter json, string name, IEnumerable<string> lines)
    {
        json.WriteStartArray(name);
        foreach (string line in lines)
        {
            json.WriteStringValue(line);
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, string name, IEnumerable<Finding> findings, bool withSeverity)
    {
        json.WriteStartArray(name);
        foreach (Finding finding in findings)
        {
            json.WriteStartObject();
            if (withSeverity)
            {
                json.WriteString("severity", NameOf(finding.Severity));
            }

            json.WriteString("area", JsonNamingPolicy.CamelCase.ConvertName(finding.Area.ToString()));
            json.WriteString("text", finding.Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static string NameOf(Severity severity) => JsonNamingPolicy.CamelCase.ConvertName(severity.ToString());
}
