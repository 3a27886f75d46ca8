namespace Weir.Host.Features;

/// <summary>How serious a finding of <c>check</c> is. The numbers are not exit codes, see <c>CheckReport</c>.</summary>
internal enum Severity
{
    /// <summary>Open on purpose, or harmless where the server listens.</summary>
    Note,

    /// <summary>A fault, a crowd or an attacker can make the node slow or expensive.</summary>
    Warning,

    /// <summary>
    /// Every client that reaches the server gets rights it should not have, or can end the node; or the node cannot serve its load.
    /// </summary>
    Danger,
}
