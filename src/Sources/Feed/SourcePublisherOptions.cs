using Weir.Protocol;
using Weir.Validation;

namespace Weir.Sources;

/// <summary>How records become publications. Read once, when the publisher is created.</summary>
public sealed class SourcePublisherOptions
{
    /// <summary>The source's name in metrics; default <c>source</c>.</summary>
    public string Name { get; set; } = "source";

    /// <summary>Text, which must be UTF-8, or binary; default text.</summary>
    public MessageKind Kind { get; set; } = MessageKind.Text;

    /// <summary>The largest record in bytes, beyond which it is rejected: a broker would refuse it each time. Default 1,000,000.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxBytes { get; set => field = OptionRange.Number(value, 1, int.MaxValue); } = 1_000_000;

    /// <summary>The pause before a publish that the broker could not take is tried again; default 200 ms.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a minute.</exception>
    public TimeSpan RetryInterval
    {
        get;
        set => field = OptionRange.Duration(value, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
    }
    = TimeSpan.FromMilliseconds(200);
}
