namespace Weir.Chaos.Matrix;

/// <summary>The text of a message: its room, its publisher, and the publisher's own number for it, each text once in a run.</summary>
internal static class Message
{
    public static string Of(string room, string publisher, int number) => $"{room}|{publisher}|{number}";

    public static string RoomOf(string text) => text[..text.IndexOf('|', StringComparison.Ordinal)];

    /// <summary>The publisher, and its number: the numbers of one publisher in one room rise.</summary>
    public static (string Publisher, int Number) OriginOf(string text)
    {
        string[] parts = text.Split('|');
        return (parts[1], int.Parse(parts[2], System.Globalization.CultureInfo.InvariantCulture));
    }
}
