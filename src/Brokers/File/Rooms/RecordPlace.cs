namespace Weir.Brokers.File.Rooms;

/// <summary>The place of a record: the number of its log, and its own number in it.</summary>
internal readonly record struct RecordPlace(long File, long Record)
{
    public bool IsAfter(RecordPlace other) => File > other.File || (File == other.File && Record > other.Record);
}
