using Weir.Chaos.Matrix;

namespace Weir.Chaos.Brokers;

/// <summary>A broker under the scenarios and the matrix: how its server is started, and the faults that only it has.</summary>
internal abstract class ChaosBroker
{
    /// <summary>All brokers; the first is the default.</summary>
    public static IReadOnlyList<ChaosBroker> All { get; } = [new RedisChaos(), new NatsChaos(), new PostgresChaos()];

    /// <summary>The broker whose name is in the environment variable <c>WEIR_CHAOS_BROKER</c>.</summary>
    /// <exception cref="InvalidOperationException">No broker has that name.</exception>
    public static ChaosBroker Current { get; } = Named(Environment.GetEnvironmentVariable("WEIR_CHAOS_BROKER"));

    /// <summary>Its name, as in <c>Weir:Broker:Kind</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Whether a server that is killed and started again with its data continues under another epoch.</summary>
    public abstract bool ChangesEpochWhenStartedAgain { get; }

    /// <summary>The faults that only this broker has.</summary>
    public virtual IReadOnlyList<Fault> Faults => [];

    /// <summary>Starts a server of its own, on loopback, that answers.</summary>
    /// <param name="keepsData">Whether it has its data when it is killed and started again; false: it has none.</param>
    public abstract Task<IChaosServer> StartAsync(bool keepsData);

    private static ChaosBroker Named(string? name)
        => string.IsNullOrEmpty(name) ? All[0]
            : All.FirstOrDefault(broker => broker.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                ?? throw new InvalidOperationException(
                    $"WEIR_CHAOS_BROKER is {name}; there are {string.Join(", ", All.Select(static broker => broker.Name))}.");
}
