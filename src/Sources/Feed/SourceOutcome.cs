namespace Weir.Sources;

/// <summary>What has become of a <see cref="SourceRecord"/>.</summary>
public enum SourceOutcome
{
    /// <summary>Not handled yet, or the handling was cancelled: it must be handed to a publisher again, and not be acknowledged.</summary>
    Pending,

    /// <summary>The broker has taken it.</summary>
    Published,

    /// <summary>The room's history shows that it was published before.</summary>
    Repeated,

    /// <summary>It cannot be published, now or later; see <see cref="SourceRecord.Reason"/>.</summary>
    Rejected,
}
