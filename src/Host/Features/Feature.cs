using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Weir.Host.Settings;

namespace Weir.Host.Features;

/// <summary>
/// A feature of the server: its settings, and what it adds to services, listeners and routes. Each is called in the order of the
/// members here, for all features before the next; <c>HostFeatures</c> lists them.
/// </summary>
internal abstract class Feature
{
    /// <summary>Gets the settings that <see cref="Read"/> reads.</summary>
    public virtual IEnumerable<Setting> Settings => [];

    /// <summary>
    /// Gets the paths whose endpoints limit the request header block themselves, since they answer in the form that their clients read.
    /// </summary>
    public virtual IEnumerable<PathString> PathsWithHeadLimit => [];

    /// <summary>Gets the names of the feature's meters.</summary>
    public virtual IEnumerable<string> Meters => [];

    /// <summary>Reads and validates the settings; errors are reported to the reader.</summary>
    public virtual void Read(SettingsReader reader)
    {
    }

    /// <summary>Reports what the settings permit to every client, and what they do not; for the command <c>check</c>.</summary>
    public virtual ValueTask ReportAsync(Exposure exposure, CancellationToken cancellationToken)
    {
        Report(exposure);
        return ValueTask.CompletedTask;
    }

    /// <summary>Runs before the server is composed, with a function that composes another from a configuration.</summary>
    public virtual Task BeforeStartAsync(Func<WebApplicationBuilder, WebApplication> build) => Task.CompletedTask;

    /// <summary>Adds services, and configures logging and the transport.</summary>
    public virtual void AddServices(WebApplicationBuilder builder)
    {
    }

    /// <summary>Applies settings to the node.</summary>
    public virtual void Configure(WeirNodeOptions node)
    {
    }

    /// <summary>Applies settings that all endpoints have in common.</summary>
    public virtual void Configure(WeirOptions endpoint)
    {
    }

    /// <summary>Applies settings to Kestrel.</summary>
    public virtual void Configure(KestrelServerOptions kestrel)
    {
    }

    /// <summary>Adds middleware to a port that receives the bytes of the network.</summary>
    public virtual void UseBelowTls(IConnectionBuilder listener)
    {
    }

    /// <summary>Adds middleware to a port that receives decrypted bytes.</summary>
    public virtual void UseAboveTls(IConnectionBuilder listener)
    {
    }

    /// <summary>Adds middleware and routes to the HTTP pipeline.</summary>
    public virtual void Map(WebApplication app)
    {
    }

    /// <summary><see cref="ReportAsync"/>, for features that need not wait.</summary>
    protected virtual void Report(Exposure exposure)
    {
    }
}
