#!/usr/bin/env bash
# System.Text.Json 10.0.0 on .NET 10 (SDK 10.0.x), seen 2026-11-28.
#
# RFC 8259 section 8.1 makes UTF-8 part of JSON, and a parser that works on UTF-8 bytes looks like the place where that is checked. It is
# not: Utf8JsonReader and JsonDocument find the end of a string by its quote and do not look at the bytes in between. The document parses,
# JsonMarshal.GetRawUtf8Value hands the bytes on as they came, and WriteRawValue writes them, validation included. Only a conversion to
# System.String notices (InvalidOperationException). A server that passes a value on verbatim so passes on text that is not UTF-8, and
# its WebSocket clients have to close with 1007. Check with System.Text.Unicode.Utf8.IsValid where the bytes enter.
# Second: WriteRawValue's validation reads with the default depth of 64, whatever MaxDepth the writer was given.
#
# Output seen:
#   parsed: ff, ed a0 80, c0 af; raw value as it came: True; written with validation: True; GetString: InvalidOperationException
#   WriteRawValue of depth 65, writer's MaxDepth 1000: JsonReaderException; with skipInputValidation: written
#   HOLDS: ...
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
cat > Check.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings><NoWarn>NU1510</NoWarn></PropertyGroup>
  <ItemGroup><PackageReference Include="System.Text.Json" Version="10.0.0" /></ItemGroup>
</Project>
PROJECT
cat > Program.cs <<'CODE'
using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;

bool holds = true;
bool verbatim = true, written = true;
string failed = "";
foreach (byte[] bytes in new byte[][] { [0xFF], [0xED, 0xA0, 0x80], [0xC0, 0xAF] })
{
    byte[] value = [(byte)'"', .. bytes, (byte)'"'];
    try
    {
        using JsonDocument document = JsonDocument.Parse(new ReadOnlyMemory<byte>([.. "{\"data\":"u8, .. value, (byte)'}']));
        JsonElement data = document.RootElement.GetProperty("data");
        verbatim &= JsonMarshal.GetRawUtf8Value(data).SequenceEqual(value);
        ArrayBufferWriter<byte> target = new();
        using Utf8JsonWriter writer = new(target);
        writer.WriteRawValue(value);
        writer.Flush();
        written &= target.WrittenSpan.SequenceEqual(value);
        try { data.GetString(); failed = "nothing"; } catch (Exception error) { failed = error.GetType().Name; }
    }
    catch (JsonException)
    {
        verbatim = false;
    }
}

Console.WriteLine($"parsed: ff, ed a0 80, c0 af; raw value as it came: {verbatim}; written with validation: {written}; GetString: {failed}");
holds &= verbatim && written && failed == nameof(InvalidOperationException);

string deep = new string('[', 65) + new string(']', 65);
string Write(bool skip)
{
    using Utf8JsonWriter writer = new(new ArrayBufferWriter<byte>(), new JsonWriterOptions { MaxDepth = 1000 });
    try { writer.WriteRawValue(deep, skip); return "written"; } catch (Exception error) { return error.GetType().Name; }
}

string validated = Write(false), skipped = Write(true);
Console.WriteLine($"WriteRawValue of depth 65, writer's MaxDepth 1000: {validated}; with skipInputValidation: {skipped}");
holds &= validated != "written" && skipped == "written";
Console.WriteLine(holds
    ? "HOLDS: System.Text.Json parses and passes on strings that are not UTF-8, and validates raw values to a depth of 64 only"
    : "CHANGED: System.Text.Json judges these bytes, or this depth, in another way");
return holds ? 0 : 1;
CODE
timeout 240 dotnet run -c Release -v quiet
