using Weir.Host.Settings;
using Weir.Relay.Brokers;

namespace Weir.Host.Features.Brokers;

/// <summary>
/// A broker that <c>Weir:Broker:Kind</c>, or a rule of rooms, may name. Its settings are validated whether it is used or not.
/// </summary>
internal abstract class BrokerFeature : Feature
{
    /// <summary>Gets the value of <c>Weir:Broker:Kind</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>Gets whether it serves a single node, so that it cannot be combined with brokers between nodes.</summary>
    public virtual bool IsSingleNode => false;

    /// <summary>Gets whether rooms may have history on it.</summary>
    public virtual bool KeepsHistory => true;

    /// <summary>Reports what its settings permit; called only if it is used.</summary>
    public virtual void ReportUse(Exposure exposure)
    {
    }

    /// <summary>Returns why it cannot keep rooms of a rule; <c>null</c> if it can. Called only if it is used.</summary>
    public virtual string? RefusalOf(RoomRule rule) => null;

    /// <summary>Creates the broker; called only if it is used.</summary>
    public abstract IBroker Create(IServiceProvider services);

    /// <summary>Returns whether the configuration names this broker, so that settings without a default must be there.</summary>
    protected bool IsChosen(SettingsReader reader) => IsName(reader.Configuration["Weir:Broker:Kind"])
        || reader.Configuration.GetSection("Weir:Rooms").GetChildren().Any(rule => IsName(rule["Broker"]));

    private bool IsName(string? value) => Kind.Equals(value, StringComparison.OrdinalIgnoreCase);
}
