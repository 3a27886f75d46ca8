namespace Weir.Sources;

/// <summary>One record of a log, with its place there. Not thread-safe while a publisher has it.</summary>
public sealed class SourceRecord
{
    /// <summary>
    /// The part of the log that has one order, named so that no other has the name: with the offset it identifies the record, on all nodes
    /// and after a restart.
    /// </summary>
    public required string Partition { get; init; }

    /// <summary>The record's place in its partition; each is greater than the one before. At least 0.</summary>
    public required long Offset { get; init; }

    /// <summary>The message, verbatim. Must not be written to any more.</summary>
    public required ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>The record's key; <c>null</c> if it has none.</summary>
    public ReadOnlyMemory<byte>? Key { get; init; }

    /// <summary>The record's headers by name; of several with one name the last. Empty by default.</summary>
    public IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Headers { get; init; } = new Dictionary<string, ReadOnlyMemory<byte>>();

    /// <summary>What has become of it; default <see cref="SourceOutcome.Pending"/>.</summary>
    public SourceOutcome Outcome { get; internal set; }

    /// <summary>Why it was rejected, without any of its content; empty if it was not.</summary>
    public string Reason { get; internal set; } = "";
}
