namespace Weir.Relay;

/// <summary>The settings of the HTTP API. Read once, when it is mapped.</summary>
public sealed class ApiOptions
{
    private int _maxBodyBytes = 1024 * 1024 + (64 * 1024);

    /// <summary>
    /// What <c>X-API-Key</c> must be; empty, the default: the API is off, and its paths do not exist (404). Whoever has it may
    /// publish to every room and disconnect everybody.
    /// </summary>
    public string Key { get; set; } = "";

    /// <summary>The largest request body in bytes; default 1 MiB and 64 KiB. A larger one is answered with 413.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxBodyBytes
    {
        get => _maxBodyBytes;
        set => _maxBodyBytes = OptionRange.Number(value, 1, int.MaxValue);
    }
}
