namespace Weir.Transports.Epoll;

/// <summary>The ids of connections: unique in the process, and unlikely to recur in another.</summary>
internal static class ConnectionName
{
    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
    private static readonly long _seed = Random.Shared.NextInt64();

    /// <summary>13 digits in base 32.</summary>
    public static string Of(long number) => string.Create(13, unchecked(_seed + number), static (text, value) =>
    {
        for (int i = text.Length - 1; i >= 0; i--)
        {
            text[i] = Digits[(int)(value & 31)];
            value >>>= 5;
        }
    });
}
