using System.Globalization;
using System.Text;

namespace Weir.Bench;

/// <summary>The payloads: text in three scripts, and JSON like a chat's. The same in every run.</summary>
internal static class Payloads
{
    private const string AsciiText = "Water finds its own level, and a weir decides how much of it passes. ";
    private const string MixedText = "Größe: 12 m³/s — Überlauf geöffnet ✓ (señal №7, 🌊 à 14:05). ";
    private const string CjkText = "堰是修建在河道上的低坝，水位由它调节，多余的水从顶部溢流而过。";

    /// <summary>One byte a character.</summary>
    public static byte[] Ascii(int bytes) => Repeat(AsciiText, bytes);

    /// <summary>One to four bytes a character, changing every few characters.</summary>
    public static byte[] Mixed(int bytes) => Repeat(MixedText, bytes);

    /// <summary>Three bytes a character throughout.</summary>
    public static byte[] Cjk(int bytes) => Repeat(CjkText, bytes);

    /// <summary>A list of small objects, truncated at the given size; each seed makes other values of one shape.</summary>
    public static byte[] Json(int bytes, int seed)
    {
        string[] rooms = ["lobby", "support", "trading", "random"];
        Random random = new(seed);
        StringBuilder text = new("[");
        while (text.Length < bytes)
        {
            string room = rooms[random.Next(rooms.Length)];
            long id = random.NextInt64();
            int user = random.Next(50_000);
            text.Append(
                CultureInfo.InvariantCulture,
                $$"""{"type":"message","id":"{{id:x16}}","room":"{{room}}","user":{{user}},"likes":{{random.Next(99)}}},""");
        }

        return Encoding.ASCII.GetBytes(text.ToString(0, bytes));
    }

    // Fills up with ASCII if another whole repetition does not fit, so that the text stays valid.
    private static byte[] Repeat(string text, int bytes)
    {
        byte[] unit = Encoding.UTF8.GetBytes(text);
        byte[] result = new byte[bytes];
        int at = 0;
        for (; at + unit.Length <= bytes; at += unit.Length)
        {
            unit.CopyTo(result, at);
        }

        result.AsSpan(at).Fill((byte)'.');
        return result;
    }
}
