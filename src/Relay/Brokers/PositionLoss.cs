namespace Weir.Relay.Brokers;

/// <summary>Why publications are lost.</summary>
public enum PositionLoss
{
    /// <summary>The broker has lost its data and begun a new sequence.</summary>
    EpochChanged,

    /// <summary>The history no longer reaches back to the listener's position.</summary>
    Trimmed,

    /// <summary>The broker has lost the newest publications, and assigns their offsets to others: a fail-over.</summary>
    RolledBack,
}
