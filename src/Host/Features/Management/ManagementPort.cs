namespace Weir.Host.Features.Management;

/// <summary>A feature of each connection to a port of management.</summary>
internal sealed class ManagementPort
{
    /// <summary>Gets the feature.</summary>
    public static ManagementPort Feature { get; } = new();
}
