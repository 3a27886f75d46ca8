namespace Weir.LoadTest.Client;

/// <summary>How a connection ended.</summary>
/// <param name="Code">Of the server's close frame; 1006 when none came.</param>
/// <param name="Reason">Of that frame; else what happened.</param>
internal readonly record struct ConnectionEnd(int Code, string Reason)
{
    public const int NoCloseFrame = 1006;

    public static ConnectionEnd Cut(string how) => new(NoCloseFrame, how);

    /// <summary>For people and for counting.</summary>
    public override string ToString() => Code == NoCloseFrame ? Reason : $"{Code} {Reason}".TrimEnd();
}
