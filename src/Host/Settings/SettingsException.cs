namespace Weir.Host.Settings;

/// <summary>The configuration is wrong; the message is meant for the operator as it is.</summary>
internal sealed class SettingsException(IReadOnlyList<string> complaints)
    : Exception("The configuration is not valid:" + string.Concat(complaints.Select(static line => $"{Environment.NewLine}  {line}")));
