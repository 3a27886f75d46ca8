namespace Weir.Brokers.Kafka.Wire;

/// <summary>The second byte of a record's value.</summary>
internal enum RecordKind : byte
{
    /// <summary>A publication to the room that is the record's key.</summary>
    Publication = 1,

    /// <summary>A client is present: announced as joined if it was not.</summary>
    Present = 2,

    /// <summary>A client is absent.</summary>
    Absent = 3,

    /// <summary>A message from node to node.</summary>
    Control = 4,

    /// <summary>A node's record to itself.</summary>
    Probe = 5,

    /// <summary>A node asks the others for the clients that are present at them.</summary>
    PresenceQuery = 6,

    /// <summary>A client is present, in answer to a query: not announced as joined.</summary>
    StillPresent = 7,
}
