using Weir.Validation;

namespace Weir.Relay;

/// <summary>The settings of the HTTP API. Read once, when it is mapped.</summary>
public sealed class ApiOptions
{
    private int _maxBodyBytes = 1024 * 1024 + (64 * 1024);

    /// <summary>
    /// A value of <c>X-API-Key</c> with all rights for all rooms, named <c>default</c>; empty, the default: there is none.
    /// </summary>
    public string Key { get; set; } = "";

    /// <summary>
    /// Further keys, each with its rights. Default: none. Without a key, also in <see cref="Key"/>, the API is off, and its paths do not
    /// exist (404).
    /// </summary>
    /// <exception cref="ArgumentException">A name or a value is empty, or is that of two keys.</exception>
    public IReadOnlyList<ApiKey> Keys
    {
        get;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.Any(static key => key.Name.Length == 0 || key.Value.Length == 0))
            {
                throw new ArgumentException("A key has no name or no value.", nameof(value));
            }

            if (value.DistinctBy(static key => key.Name).Count() < value.Count
                || value.DistinctBy(static key => key.Value).Count() < value.Count)
            {
                throw new ArgumentException("Two keys have the same name or value.", nameof(value));
            }

            field = value;
        }
    } = [];

    /// <summary>The largest request body in bytes; default 1 MiB and 64 KiB. A larger one is answered with 413.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxBodyBytes
    {
        get => _maxBodyBytes;
        set => _maxBodyBytes = OptionRange.Number(value, 1, int.MaxValue);
    }
}
