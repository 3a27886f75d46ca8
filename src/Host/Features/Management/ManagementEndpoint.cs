namespace Weir.Host.Features.Management;

/// <summary>Marks an endpoint of operators: where management has ports of its own, it exists only there.</summary>
internal sealed class ManagementEndpoint
{
    /// <summary>Gets the mark, as metadata of an endpoint.</summary>
    public static ManagementEndpoint Mark { get; } = new();
}
