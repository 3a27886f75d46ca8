namespace Weir.Simulation.Clients;

/// <summary>A client that connects, disconnects and reconnects.</summary>
internal abstract class SimulatedClient(string name)
{
    public string Name => name;

    /// <summary>It has a connection, or is about to have one.</summary>
    public bool IsConnected { get; protected set; }

    /// <summary>Whether it is a listener of this room, which names its position when it subscribes.</summary>
    public virtual bool IsListenerOf(string room) => false;

    /// <summary>Whether it has a connection to a node for a room, or is about to have one.</summary>
    public virtual bool IsIn(NodeModel node, string room) => false;

    /// <summary>Connects to a node, with the last position that it has.</summary>
    public abstract void Connect(NodeModel node);

    /// <summary>Its connection breaks.</summary>
    public abstract void Abort();

    /// <summary>No event is left: it must have received all that it is to receive.</summary>
    public abstract void CheckComplete();

    /// <summary>What it listens to on a connection that began before a moment.</summary>
    public virtual IEnumerable<Expectation> ListeningSince(DateTimeOffset moment, string room) => [];
}
