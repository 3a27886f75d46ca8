namespace Weir.Host.Settings;

/// <summary>The configuration is not valid; the message is shown to the operator unchanged.</summary>
internal sealed class SettingsException(IReadOnlyList<string> complaints)
    : Exception("The configuration is not valid:" + string.Concat(complaints.Select(static line => $"{Environment.NewLine}  {line}")))
{
    /// <summary>Gets the errors, one line each.</summary>
    public IReadOnlyList<string> Complaints => complaints;
}
