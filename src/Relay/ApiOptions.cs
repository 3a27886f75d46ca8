using Weir.Validation;

namespace Weir.Relay;

/// <summary>The settings of the HTTP API. Read once, when it is mapped.</summary>
public sealed class ApiOptions
{
    private int _maxBodyBytes = 1024 * 1024 + (64 * 1024);

    /// <summary>
    /// The required value of <c>X-API-Key</c>; empty, the default: the API is off, and its paths do not exist (404). A holder of the key
    /// may publish to every room and disconnect every client.
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
